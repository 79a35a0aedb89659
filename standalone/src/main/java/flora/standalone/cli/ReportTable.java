package flora.standalone.cli;

import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.standalone.client.StageLine;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** What a look at a dataset has found, as lines of text. Pure. */
final class ReportTable {

  /** Names that a person reads; the report has more. */
  private static final int EXAMPLES = 5;

  private static final int CLASSES = 20;

  private ReportTable() {}

  /** The dataset, its classes, then each finding with examples and what to do. */
  static List<String> of(DatasetReport report) {
    var lines = new ArrayList<String>();
    lines.add(
        "dataset %s: %d pictures, %d left out, %d twice, %d look like another"
            .formatted(
                StageLine.printable(report.dataset()),
                report.images(),
                report.rejected(),
                report.duplicatesExact(),
                report.duplicatesSimilar()));
    if (!report.classes().isEmpty()) {
      lines.add(
          report.classes().entrySet().stream()
              .limit(CLASSES)
              .map(each -> "%s %d".formatted(StageLine.printable(each.getKey()), each.getValue()))
              .collect(
                  Collectors.joining(
                      ", ", "classes: ", report.classes().size() > CLASSES ? ", …" : "")));
    }
    report.findings().forEach(finding -> lines.addAll(of(finding)));
    if (report.findings().isEmpty()) {
      lines.add("nothing is wrong with it");
    }
    return lines;
  }

  /** A line for each finding. */
  static List<String> findings(DatasetReport report) {
    return report.findings().stream().map(ReportTable::line).toList();
  }

  private static String line(Finding finding) {
    return "%-7s %s: %s"
        .formatted(
            finding.severity().name().toLowerCase(Locale.ROOT),
            finding.code(),
            StageLine.printable(finding.message()));
  }

  private static List<String> of(Finding finding) {
    var lines = new ArrayList<String>();
    lines.add(line(finding));
    finding.examples().stream()
        .limit(EXAMPLES)
        .forEach(example -> lines.add("          " + StageLine.printable(example)));
    long more = finding.count() - Math.min(EXAMPLES, finding.examples().size());
    if (more > 0 && !finding.examples().isEmpty()) {
      lines.add("          and %d more".formatted(more));
    }
    if (finding.hint() != null) {
      lines.add("        → " + StageLine.printable(finding.hint()));
    }
    return lines;
  }
}
