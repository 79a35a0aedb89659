package flora.standalone.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * One scenario's measurements, as Markdown: median seconds and their spread, rate, and how many
 * times as fast as each other one.
 */
final class Table {

  /** Seconds of each round; none where that peer is not installed. */
  private record Row(String who, List<Double> rounds) {
    OptionalDouble seconds() {
      return median(rounds);
    }
  }

  private final PrintStream out;
  private final String title;
  private final double amount;
  private final String unit;
  private final List<Row> rows = new ArrayList<>();
  private final List<String> wanted = new ArrayList<>();
  private boolean missed;

  /** Of transfers. */
  Table(PrintStream out, String title, long bytes) {
    this(out, title, (double) bytes / (1 << 20), "MiB");
  }

  /**
   * A table.
   *
   * @param amount what each of them did, in units
   */
  Table(PrintStream out, String title, double amount, String unit) {
    this.out = out;
    this.title = title;
    this.amount = amount;
    this.unit = unit;
  }

  /** Adds a row; no rounds when that peer is not installed. Its median. */
  OptionalDouble row(String who, List<Double> rounds) {
    var row = new Row(who, List.copyOf(rounds));
    rows.add(row);
    return row.seconds();
  }

  /** Adds what is no measurement, or was measured once. */
  void row(String who, double seconds) {
    row(who, List.of(seconds));
  }

  /** The middle, or the mean of the two in the middle; empty of none. */
  static OptionalDouble median(List<Double> rounds) {
    var sorted = rounds.stream().sorted().toList();
    int n = sorted.size();
    return n == 0
        ? OptionalDouble.empty()
        : OptionalDouble.of((sorted.get((n - 1) / 2) + sorted.get(n / 2)) / 2);
  }

  /** Something that is wanted of a ratio. */
  void atLeast(double limit, double is, String what) {
    judge(is >= limit, "≥ %.2f %s: %.2f", limit, what, is);
  }

  /** Something that is wanted of a number. */
  void atMost(double limit, double is, String what) {
    judge(is <= limit, "≤ %.2f %s: %.2f", limit, what, is);
  }

  private void judge(boolean right, String format, Object... values) {
    missed |= !right;
    wanted.add(
        "- wanted " + String.format(Locale.ROOT, format, values) + (right ? " ok" : " **missed**"));
  }

  /** Prints it; false when something was missed. */
  boolean print() {
    out.println("\n### " + title + "\n");
    var known = new LinkedHashMap<String, Double>();
    rows.forEach(row -> row.seconds().ifPresent(s -> known.put(row.who(), s)));
    var head = new StringBuilder("| who | seconds | from, to | " + unit + "/s |");
    known.keySet().forEach(who -> head.append(" × ").append(who).append(" |"));
    out.println(head);
    out.println("|---|" + "--:|".repeat(3 + known.size()));
    for (var row : rows) {
      out.println(line(row, known));
    }
    out.println();
    wanted.forEach(out::println);
    out.flush();
    return !missed;
  }

  private String line(Row row, Map<String, Double> known) {
    if (row.seconds().isEmpty()) {
      return "| " + row.who() + " | not installed |" + " |".repeat(2 + known.size());
    }
    double seconds = row.seconds().getAsDouble();
    var line = new StringBuilder("| " + row.who());
    line.append(
        String.format(
            Locale.ROOT,
            amount / seconds < 10 ? " | %.2f | %s | %.2f |" : " | %.2f | %s | %.0f |",
            seconds,
            spread(row.rounds()),
            amount / seconds));
    known.values().forEach(s -> line.append(String.format(Locale.ROOT, " %.2f |", s / seconds)));
    return line.toString();
  }

  private static String spread(List<Double> rounds) {
    return rounds.size() < 2
        ? ""
        : String.format(
            Locale.ROOT,
            "%.2f, %.2f",
            rounds.stream().min(Double::compare).orElseThrow(),
            rounds.stream().max(Double::compare).orElseThrow());
  }
}
