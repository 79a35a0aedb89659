package flora.standalone.cli;

import flora.standalone.client.StageLine;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** What a run would be, as lines of text. Pure. */
final class DryRunTable {

  private DryRunTable() {}

  private static void estimates(JsonNode estimates, List<String> lines) {
    if (estimates.path("pictures").isNumber()) {
      var sizes =
          estimates
              .path("buckets")
              .valueStream()
              .map(
                  cut ->
                      "%dx%d (%d)"
                          .formatted(
                              cut.path("width").asInt(0),
                              cut.path("height").asInt(0),
                              cut.path("samples").asLong(0)))
              .collect(Collectors.joining(", "));
      lines.add(
          "training: %s steps in %s epochs of %d showings of %d pictures, cut to %s"
              .formatted(
                  estimates.path("steps").asString("?"),
                  estimates.path("epochs").asString("?"),
                  estimates.path("samples").asLong(0),
                  estimates.path("pictures").asLong(0),
                  sizes));
    } else if (estimates.path("steps").isNumber()) {
      lines.add(
          "training: %d steps; how many epochs shows once the pictures are labelled"
              .formatted(estimates.path("steps").asLong()));
    }
    if (estimates.path("problem").isString()) {
      lines.add(
          "training would fail: " + StageLine.printable(estimates.path("problem").asString()));
    }
  }

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
    estimates(outlook.path("estimates"), lines);
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
