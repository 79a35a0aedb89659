package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestException;
import flora.schemas.request.RequestReader;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
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

  @Mixin DatasetOfFolder folder = new DatasetOfFolder();
  @Mixin LabelChoices choices = new LabelChoices();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    var table = CaptionFiles.Format.of(output, format);
    var dataset = folder.name();
    CaptionFiles.require(output);
    var request = Json.bytes(request(dataset));
    try {
      // before all pictures are uploaded for it
      var _ = RequestReader.read(request, ContentKind.JSON);
    } catch (RequestException e) {
      throw InvalidInput.of(e);
    }
    try (var connection = Connection.open(options, System.getenv())) {
      var client = connection.client();
      folder.requireOwn(client);
      var own = OwnCaptions.of(client, dataset);
      new FolderUpload(client, dataset, System.err).leavingOut(own::isOwn).send(folder.input, null);
      var run = client.submit(request, "application/json");
      return FollowedRun.toTheEnd(
          connection,
          run.id(),
          options,
          _ -> {
            var captions = new CaptionFiles(client, dataset);
            bring(captions, table, own);
            if (!options.json) {
              tell(client.report(dataset), captions.others(folder::holds));
              System.out.println(output);
            }
          });
    }
  }

  /**
   * Writes what was asked for, and over what an earlier call wrote: left as it is it would be taken
   * for a person's next time. Of pictures that were uploaded before and are gone here nothing is
   * written: a table must name none that is not there.
   */
  private void bring(CaptionFiles captions, CaptionFiles.Format table, OwnCaptions own)
      throws IOException, InterruptedException {
    keepWhatWouldBeLost(captions);
    captions.writeTable(output, table, folder::holds);
    for (var old : own.tables()) {
      boolean isWritten = Files.exists(output) && Files.isSameFile(old, output);
      if (!isWritten && !captions.wouldLose(old)) {
        captions.writeTable(old, CaptionFiles.Format.of(old, null), folder::holds);
      }
    }
    long persons =
        captions.writeSidecars(
            folder.input,
            (picture, text) -> folder.holds(picture) && (sidecars || own.isFound(text)),
            own::isFound);
    if (persons > 0) {
      System.err.printf(
          "note: %d texts beside pictures say other than the table, and stay as they are%n",
          persons);
    }
  }

  /** What is to be known of the captions, in a few lines. */
  private void tell(DatasetReport report, long others) {
    if (others > 0) {
      System.err.printf(
          "note: the dataset %s holds %d pictures that are not in %s: they are not in the table%n",
          report.dataset(), others, folder.input);
    }
    ReportTable.findings(report).forEach(System.err::println);
    if (!report.findings().isEmpty()) {
      System.err.printf(
          "  which pictures, and what to do: ./flora check --input %s%n", folder.input);
    }
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
