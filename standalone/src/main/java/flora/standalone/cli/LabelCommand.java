package flora.standalone.cli;

import flora.schemas.Json;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.InvalidInput;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flora label}: captions for the pictures of a folder, as a metadata.csv. */
@Command(name = "label", description = "Caption the pictures of a folder and write a metadata.csv.")
final class LabelCommand implements Callable<Integer> {

  @Option(names = "--input", required = true, paramLabel = "DIR", description = "the pictures")
  Path input = Path.of("");

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "where the metadata.csv goes")
  Path output = Path.of("");

  @Option(names = "--model", paramLabel = "REPO", description = "label model")
  @Nullable String model;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description = "what to choose from; default: built-in subjects, styles and mediums")
  List<String> labels = List.of();

  @Option(
      names = {"--trigger_word", "--trigger-word"},
      paramLabel = "WORD",
      description = "put in front of every caption")
  @Nullable String triggerWord;

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    if (!Files.isDirectory(input)) {
      throw new InvalidInput("no such folder: " + input);
    }
    var dataset = SafeName.of(input.toAbsolutePath().normalize().getFileName().toString());
    try (var connection = Connection.open(options, System.getenv())) {
      var client = connection.client();
      new FolderUpload(client, dataset, System.err).send(input, null);
      var run = client.submit(Json.bytes(request(dataset)), "application/json");
      return FollowedRun.toTheEnd(
          connection,
          run.id(),
          options,
          _ -> {
            var folder = output.toAbsolutePath().getParent();
            if (folder != null) {
              Files.createDirectories(folder);
            }
            Files.write(output, client.metadataCsv(dataset));
            System.out.println(output);
          });
    }
  }

  private Object request(String dataset) {
    var request = Json.mapper().createObjectNode();
    request.put("name", SafeName.of("label-" + dataset));
    var part = request.putObject("dataset");
    part.put("name", dataset);
    var label = part.putObject("label");
    label.put("labeler", "clip");
    if (model != null) {
      label.put("model", model);
    }
    if (triggerWord != null) {
      label.put("trigger_word", triggerWord);
    }
    if (!labels.isEmpty()) {
      var list = label.putArray("labels");
      labels.forEach(list::add);
    }
    return request;
  }
}
