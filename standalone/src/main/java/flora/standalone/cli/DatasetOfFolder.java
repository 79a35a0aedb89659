package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.Names;
import flora.schemas.Sha256;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import flora.standalone.client.StageLine;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/**
 * The pictures of a folder, and the name of the dataset that they are on the server: that of the
 * folder, unless another one is given. Two folders of one name must not become one dataset.
 */
final class DatasetOfFolder {

  @Option(names = "--input", required = true, paramLabel = "DIR", description = "the pictures")
  Path input = Path.of("");

  @Option(
      names = "--dataset",
      paramLabel = "NAME",
      description = "what they are called on the server; default: the name of the folder")
  @Nullable String given;

  /** The name on the server. */
  String name() {
    if (!Files.isDirectory(input)) {
      throw new InvalidInput(
          Files.exists(input)
              ? "%s is no folder: --input takes the folder that the pictures lie in"
                  .formatted(input)
              : "no such folder: " + input);
    }
    if (given != null && !Names.isSafe(given)) {
      throw new InvalidInput("--dataset %s is not %s".formatted(given, Names.RULE));
    }
    var folder = input.toAbsolutePath().normalize().getFileName();
    return given != null
        ? given
        : SafeName.of(Objects.requireNonNullElse(folder, Path.of("dataset")).toString());
  }

  /** Whether a picture of the dataset lies in the folder. */
  boolean holds(String picture) {
    return file(picture) != null;
  }

  private @Nullable Path file(String picture) {
    try {
      var file = input.resolve(picture).normalize();
      return file.startsWith(input.normalize()) && Files.isRegularFile(file) ? file : null;
    } catch (InvalidPathException e) {
      return null;
    }
  }

  /**
   * Makes sure that a dataset of the folder's name, if there is one, is of this folder: not all
   * pictures of the same names are others.
   *
   * @throws InvalidInput when they are, and nobody said that it is meant
   */
  void requireOwn(GatewayClient client) throws IOException, InterruptedException {
    if (given != null) {
      return;
    }
    String other = null;
    try (var rows =
        new BufferedReader(
            new InputStreamReader(
                client.open("/v1/datasets/%s/labels.jsonl".formatted(name())),
                StandardCharsets.UTF_8))) {
      for (var line = rows.readLine(); line != null; line = rows.readLine()) {
        var row = Json.read(line.getBytes(StandardCharsets.UTF_8), JsonNode.class);
        var picture = row.path("file_name").asString("");
        var file = file(picture);
        if (file != null && isSame(file, row)) {
          return;
        }
        other = other == null && file != null ? picture : other;
      }
    } catch (GatewayClient.Refused e) {
      if (e.status() != 404) {
        throw e;
      }
    }
    if (other != null) {
      throw new InvalidInput(
          """
          the server's dataset %s has other pictures of the same names than %s, %s for one
            another folder's? call these otherwise: --dataset NAME; the same ones, changed: --dataset %s"""
              .formatted(name(), input, StageLine.printable(other), name()));
    }
  }

  private static boolean isSame(Path file, JsonNode row) throws IOException {
    return Files.size(file) == row.path("size").asLong(-1)
        && Sha256.sum(Files.readAllBytes(file)).hex().equals(row.path("sha256").asString(""));
  }
}
