package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.dataset.DatasetReport;
import flora.standalone.client.FolderUpload;
import flora.standalone.client.GatewayClient.Validation;
import flora.standalone.client.InvalidInput;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flora check}: what is wrong with the pictures and captions of a folder. */
@Command(
    name = "check",
    description = {
      "Look through the pictures and captions of a folder before anything is trained on them.",
      "Exits with 1 when there are errors. Without --input: check Flora's own sources."
    })
final class CheckCommand implements Callable<Integer> {

  @Mixin DatasetOfFolder folder = new DatasetOfFolder();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    var dataset = folder.name();
    try (var connection = Connection.open(options, System.getenv())) {
      var client = connection.client();
      folder.requireOwn(client);
      var own = OwnCaptions.of(client, dataset);
      new FolderUpload(client, dataset, System.err).leavingOut(own::isOwn).send(folder.input, null);
      return switch (client.validate(dataset)) {
        case Validation.Known(var report) -> tell(report);
        case Validation.Begun(var run) -> {
          var found = new ArrayList<DatasetReport>();
          int ended =
              FollowedRun.toTheEnd(
                  connection, run, options, _ -> found.add(found(client.validate(dataset))));
          yield found.isEmpty() ? ended : tell(found.getFirst());
        }
      };
    }
  }

  private DatasetReport found(Validation validation) {
    return switch (validation) {
      case Validation.Known(var report) -> report;
      case Validation.Begun _ ->
          throw new InvalidInput("the dataset changes while it is looked at: try again later");
    };
  }

  private int tell(DatasetReport report) {
    if (options.json) {
      System.out.println(new String(Json.bytes(report), StandardCharsets.UTF_8));
    } else {
      ReportTable.of(report).forEach(System.out::println);
    }
    return report.hasErrors() ? Main.RUN_FAILED : Main.DONE;
  }
}
