package flora.standalone.cli;

import flora.standalone.client.StageLine;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** What a run would be, as lines of text. Pure. */
final class DryRunTable {

  private DryRunTable() {}

  /** The stages, the pictures that are there, and the plan or why there is none. */
  static List<String> of(JsonNode outlook) {
    var lines = new ArrayList<String>();
    var stages =
        outlook
            .path("stages")
            .valueStream()
            .map(stage -> stage.asString(""))
            .collect(Collectors.joining(", "));
    lines.add("%s would %s".formatted(outlook.at("/request/name").asString(""), stages));
    var dataset = outlook.path("dataset");
    if (dataset.isObject()) {
      lines.add(
          "dataset %s: %d pictures and %d files of captions are uploaded, %s"
              .formatted(
                  dataset.path("name").asString(""),
                  dataset.path("images").asLong(0),
                  dataset.path("captions").asLong(0),
                  StageLine.bytes(dataset.path("bytes").asLong(0))));
    }
    var plan = outlook.path("download_plan");
    if (plan.isObject()) {
      lines.addAll(PlanTable.of(plan));
    }
    var problem = outlook.path("download_problem");
    if (problem.isObject()) {
      lines.add(
          "%s: %s (at %s)"
              .formatted(
                  problem.path("code").asString(""),
                  StageLine.printable(problem.path("detail").asString("")),
                  problem.path("pointer").asString("/")));
      if (problem.path("hint").isString()) {
        lines.add("  " + StageLine.printable(problem.path("hint").asString()));
      }
    }
    return lines;
  }
}
