package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ReportTableTest {

  private static DatasetReport report(Map<String, Long> classes, Finding... findings) {
    return new DatasetReport("style", null, null, 120, 3, 2, 5, classes, 512, List.of(findings));
  }

  @Test
  void tellsEachFindingWithExamplesAndWhatToDo() {
    var report =
        report(
            Map.of(),
            new Finding(
                Severity.ERROR,
                "missing_caption",
                2,
                "2 pictures came without a caption",
                "bring captions",
                List.of("a.png", "b.png")),
            new Finding(Severity.WARNING, "too_small", 7, "7 of 120 are small", null, names(7)));

    assertThat(ReportTable.of(report))
        .containsExactly(
            "dataset style: 120 pictures, 3 left out, 2 twice, 5 look like another",
            "error   missing_caption: 2 pictures came without a caption",
            "          a.png",
            "          b.png",
            "        → bring captions",
            "warning too_small: 7 of 120 are small",
            "          0.png",
            "          1.png",
            "          2.png",
            "          3.png",
            "          4.png",
            "          and 2 more");
  }

  @Test
  void saysThatNothingIsWrong() {
    assertThat(ReportTable.of(report(Map.of("circle", 60L))))
        .containsExactly(
            "dataset style: 120 pictures, 3 left out, 2 twice, 5 look like another",
            "classes: circle 60",
            "nothing is wrong with it");
  }

  @Test
  void namesOfFilesCannotDriveTheTerminal() {
    var finding =
        new Finding(
            Severity.WARNING, "unreadable", 1, "1 cannot be used", null, List.of("\033[2Ja.png"));

    assertThat(ReportTable.of(report(Map.of(), finding)))
        .noneMatch(line -> line.contains("\033"))
        .anyMatch(line -> line.contains("a.png"));
  }

  private static List<String> names(int count) {
    return IntStream.range(0, count).mapToObj(i -> i + ".png").toList();
  }
}
