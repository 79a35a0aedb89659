package flora.standalone.cli;

import flora.schemas.Json;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.node.ObjectNode;

/** {@code flora label}: captions for the pictures of a folder, as a metadata.csv. */
@Command(
    name = "label",
    description = {
      "Caption the pictures of a folder and write a metadata.csv or metadata.jsonl.",
      "Captions that lie with the pictures are kept, in a table or in a .txt beside each picture;",
      "those that this command wrote and nobody changed are made anew where they are out of date."
    })
final class LabelCommand implements Callable<Integer> {

  @Option(names = "--input", required = true, paramLabel = "DIR", description = "the pictures")
  Path input = Path.of("");

  @Option(
      names = "--output",
      required = true,
      paramLabel = "FILE",
      description = "where the table goes, such as DIR/metadata.csv")
  Path output = Path.of("");

  @Option(
      names = "--format",
      paramLabel = "csv|jsonl",
      description = "default: what the ending of --output says")
  CaptionFiles.@Nullable Format format;

  @Option(names = "--sidecars", description = "a .txt beside each picture of --input as well")
  boolean sidecars;

  @Mixin LabelChoices choices = new LabelChoices();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    var table = CaptionFiles.Format.of(output, format);
    var dataset = datasetOf(input);
    var request = request(dataset);
    try (var connection = Connection.open(options, System.getenv())) {
      var client = connection.client();
      var own = OwnCaptions.of(client, dataset);
      new FolderUpload(client, dataset, System.err).leavingOut(own::isOwn).send(input, null);
      var run = client.submit(Json.bytes(request), "application/json");
      return FollowedRun.toTheEnd(
          connection, run.id(), options, _ -> bring(new CaptionFiles(client, dataset), table, own));
    }
  }

  /** The dataset's name: that of the folder. */
  static String datasetOf(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInput("no such folder: " + folder);
    }
    var name = folder.toAbsolutePath().normalize().getFileName();
    return SafeName.of(Objects.requireNonNullElse(name, Path.of("dataset")).toString());
  }

  /**
   * Writes what was asked for, and over what an earlier call wrote: left as it is it would be taken
   * for a person's next time. Of pictures that were uploaded before and are gone here nothing is
   * written: a table must name none that is not there.
   */
  private void bring(CaptionFiles captions, CaptionFiles.Format table, OwnCaptions own)
      throws IOException, InterruptedException {
    keepWhatWouldBeLost(captions);
    captions.writeTable(output, table, this::isHere);
    for (var old : own.tables()) {
      if (!Files.exists(output) || !Files.isSameFile(old, output)) {
        captions.writeTable(old, CaptionFiles.Format.of(old, null), this::isHere);
      }
    }
    captions.writeSidecars(
        input, (picture, text) -> isHere(picture) && (sidecars || own.isFound(text)));
    if (!options.json) {
      System.out.println(output);
    }
  }

  private boolean isHere(String picture) {
    return Files.isRegularFile(OutputFile.inside(input, picture));
  }

  /** A person's table may say more than captions, and of more pictures. */
  private void keepWhatWouldBeLost(CaptionFiles captions) throws IOException, InterruptedException {
    if (!Files.isRegularFile(output) || !captions.wouldLose(output)) {
      return;
    }
    var kept = output.resolveSibling(output.getFileName() + ".bak");
    for (int more = 2; Files.exists(kept); more++) {
      kept = output.resolveSibling(output.getFileName() + ".bak" + more);
    }
    Files.copy(output, kept);
    System.err.println("what was in " + output + " is kept as " + kept);
  }

  private ObjectNode request(String dataset) throws IOException {
    var request = Json.mapper().createObjectNode();
    request.put("name", SafeName.of("label-" + dataset));
    var part = request.putObject("dataset");
    part.put("name", dataset);
    choices.into(part.putObject("label"));
    return request;
  }
}
