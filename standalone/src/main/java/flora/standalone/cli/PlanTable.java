package flora.standalone.cli;

import flora.standalone.client.StageLine;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;

/** A plan as lines of text. Pure. */
final class PlanTable {

  private PlanTable() {}

  /** One block for each repository, then the places, then the sums and the warnings. */
  static List<String> of(JsonNode plan) {
    var lines = new ArrayList<String>();
    for (var repository : plan.path("repositories")) {
      var usual = sources(repository.path("files").path(0));
      boolean isSame =
          repository.path("files").valueStream().allMatch(file -> sources(file).equals(usual));
      lines.add(
          "%s @ %s  (%s, listed by %s%s)"
              .formatted(
                  repository.path("repo").asString(""),
                  repository.path("commit").asString(""),
                  repository.path("role").asString(""),
                  repository.path("listed_by").asString("?"),
                  isSame && !usual.isEmpty() ? ", from " + usual : ""));
      for (var file : repository.path("files")) {
        var sources = isSame ? "" : sources(file);
        boolean isPresent = file.path("present").asBoolean(false);
        lines.add(
            "  %-9s %10s  %s%s%s"
                .formatted(
                    isPresent ? "present" : "to fetch",
                    StageLine.bytes(file.path("size").asLong(0)),
                    StageLine.printable(file.path("path").asString("")),
                    file.path("converted").asBoolean(false) ? "  (becomes safetensors)" : "",
                    isPresent || sources.isEmpty() ? "" : "  from " + sources));
      }
      warnings(repository, "  ", lines);
    }
    for (var mirror : plan.path("mirrors")) {
      var rate = mirror.path("bytes_per_second");
      var seconds = mirror.path("estimated_seconds");
      lines.add(
          "%-24s %-14s %4d files  %10s  %s%s"
              .formatted(
                  mirror.path("name").asString(""),
                  mirror.path("verdict").asString("unknown"),
                  mirror.path("files").asLong(0),
                  StageLine.bytes(mirror.path("missing_bytes").asLong(0)),
                  rate.isNumber()
                      ? StageLine.bytes(rate.asLong()) + "/s a connection"
                      : mirror.path("verdict").asString("").equals("resting")
                          ? "failed lately: ./flora mirrors says why"
                          : "not measured yet: ./flora mirrors probe",
                  seconds.isNumber() ? "  about " + StageLine.duration(seconds.asLong()) : ""));
    }
    var free = plan.path("disk_free_bytes");
    lines.add(
        "in all %d files, %s: %s are there, %s to fetch%s"
            .formatted(
                plan.path("files").asLong(0),
                StageLine.bytes(plan.path("bytes").asLong(0)),
                StageLine.bytes(plan.path("present_bytes").asLong(0)),
                StageLine.bytes(plan.path("to_fetch_bytes").asLong(0)),
                free.isNumber() ? "; room for " + StageLine.bytes(free.asLong()) : ""));
    warnings(plan, "", lines);
    return lines;
  }

  private static void warnings(JsonNode holder, String indent, List<String> lines) {
    holder
        .path("warnings")
        .forEach(w -> lines.add(indent + "note: " + StageLine.printable(w.asString(""))));
  }

  private static String sources(JsonNode file) {
    return file.path("sources")
        .valueStream()
        .map(source -> source.asString(""))
        .collect(Collectors.joining(", "));
  }
}
