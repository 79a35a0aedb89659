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
      lines.add(
          "%s @ %s  (%s, listed by %s)"
              .formatted(
                  repository.path("repo").asString(""),
                  repository.path("commit").asString(""),
                  repository.path("role").asString(""),
                  repository.path("listed_by").asString("?")));
      for (var file : repository.path("files")) {
        var sources =
            file.path("sources")
                .valueStream()
                .map(s -> s.asString(""))
                .collect(Collectors.joining(", "));
        boolean isPresent = file.path("present").asBoolean(false);
        lines.add(
            "  %-9s %10s  %s%s%s"
                .formatted(
                    isPresent ? "present" : "to fetch",
                    StageLine.bytes(file.path("size").asLong(0)),
                    printable(file.path("path").asString("")),
                    file.path("converted").asBoolean(false) ? "  (becomes safetensors)" : "",
                    isPresent || sources.isEmpty() ? "" : "  from " + sources));
      }
      warnings(repository, "  ", lines);
    }
    for (var mirror : plan.path("mirrors")) {
      var rate = mirror.path("bytes_per_second");
      var seconds = mirror.path("estimated_seconds");
      lines.add(
          "%-24s %-14s %4d files  %10s  %s  %s"
              .formatted(
                  mirror.path("name").asString(""),
                  mirror.path("verdict").asString("unknown"),
                  mirror.path("files").asLong(0),
                  StageLine.bytes(mirror.path("missing_bytes").asLong(0)),
                  rate.isNumber()
                      ? StageLine.bytes(rate.asLong()) + "/s a connection"
                      : "not measured yet",
                  seconds.isNumber() ? "about " + StageLine.duration(seconds.asLong()) : ""));
    }
    var free = plan.path("disk_free_bytes");
    lines.add(
        "%d files, %s: %s are there, %s to fetch%s"
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
    holder.path("warnings").forEach(w -> lines.add(indent + "note: " + w.asString("")));
  }

  /** A name from a hub, without what a terminal would obey. */
  private static String printable(String path) {
    return path.replaceAll("\\p{Cntrl}", "?");
  }
}
