package flora.standalone.cli;

import flora.standalone.client.StageLine;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** The hub and its mirrors as lines of text, and what a look at one of them found. Pure. */
final class MirrorTable {

  private MirrorTable() {}

  /** A line for each place, in the order of the answer. */
  static List<String> of(JsonNode places) {
    var lines = new ArrayList<String>();
    for (var status : places) {
      var mirror = status.path("mirror");
      var cause = cause(status);
      lines.add(
          "%-16s %-13s %-40s p50 %8s  p95 %8s  %10s  lag %s%s"
              .formatted(
                  mirror.path("name").asString(""),
                  state(status),
                  printable(mirror.path("endpoint").asString("")),
                  millis(status.path("p50_ms")),
                  millis(status.path("p95_ms")),
                  rate(status.path("bytes_per_second")),
                  lag(status.path("lag_seconds")),
                  cause.isEmpty() ? "" : "  " + cause));
    }
    return lines;
  }

  /** The same of one place that was looked at now. */
  static String of(String name, JsonNode probe) {
    return "%s: %s  p50 %s  p95 %s  %s  lag %s  with %s  %s"
        .formatted(
            name,
            probe.path("verdict").asString("?"),
            millis(probe.path("p50_ms")),
            millis(probe.path("p95_ms")),
            rate(probe.path("bytes_per_second")),
            lag(probe.path("lag_seconds")),
            printable(probe.path("repository").asString("")),
            printable(probe.path("cause").asString("")));
  }

  /** What matters most of a place comes first. */
  private static String state(JsonNode status) {
    var circuit = status.path("circuit").asString("");
    if (!status.path("mirror").path("enabled").asBoolean(true)) {
      return "off";
    }
    if (status.path("metadata_only").isString()) {
      return "metadata_only";
    }
    if (!circuit.equals("closed")) {
      return circuit;
    }
    if (status.path("lagging").asBoolean(false)) {
      return "lagging";
    }
    if (status.path("slow").asBoolean(false)) {
      return "slow";
    }
    return status.path("p95_ms").isNumber() ? "ok" : "–";
  }

  private static String cause(JsonNode status) {
    var lost = status.path("metadata_only");
    return printable(
        lost.isString()
            ? "its files lead to " + lost.asString() + ", which cannot be reached"
            : status.path("cause").asString(""));
  }

  private static String millis(JsonNode number) {
    return number.isNumber() ? number.asLong() + " ms" : "–";
  }

  private static String rate(JsonNode number) {
    return number.isNumber() ? StageLine.bytes(number.asLong()) + "/s" : "–";
  }

  private static String lag(JsonNode number) {
    return number.isNumber() ? number.asLong() + " s" : "–";
  }

  /** What others say, without what a terminal would obey. */
  private static String printable(String text) {
    return text.replaceAll("\\p{Cntrl}", "?");
  }
}
