package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.dataset.CaptionRow;
import flora.schemas.dataset.MetadataCsv;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;

class DemoReportTest {

  private static final StyleStatistic.Verdict LEARNED = new StyleStatistic.Verdict(2, 26, 0, 8, 8);
  private static final StyleStatistic.Verdict NOTHING = new StyleStatistic.Verdict(2, 8, 0, 1, 8);

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final DemoReport report =
      new DemoReport(new PrintStream(bytes, true, StandardCharsets.UTF_8));

  @Test
  void passesWhenTheStyleWasLearnedAndAControlWhenItWasNot() {
    assertThat(report.verdict(LEARNED, false)).isTrue();
    assertThat(report.verdict(NOTHING, false)).isFalse();
    assertThat(report.verdict(NOTHING, true)).isTrue();
    assertThat(report.verdict(LEARNED, true)).isFalse();
  }

  @Test
  void saysTheNumbersBehindTheVerdict() {
    report.verdict(LEARNED, false);
    assertThat(said()).contains("without 2.0, with 26.0").contains("0 of 8").contains("8 of 8");
  }

  @Test
  void countsOnlyCaptionsThatSayWhatIsDrawn() {
    var drawings = DemoPictures.drawings().subList(0, 3);
    var csv =
        MetadataCsv.write(
            List.of(
                new CaptionRow(DemoPictures.fileName(0), drawings.get(0).label()),
                new CaptionRow(DemoPictures.fileName(1), "something else")));
    report.labels(csv.getBytes(StandardCharsets.UTF_8), drawings, 3);
    assertThat(said()).contains("1 of 3 say what is drawn").contains("(none)");
  }

  private String said() {
    return bytes.toString(StandardCharsets.UTF_8);
  }
}
