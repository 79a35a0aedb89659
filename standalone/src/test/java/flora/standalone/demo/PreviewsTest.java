package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PreviewsTest {

  @Test
  void theBaseModelDrawsNoStripes(@TempDir Path folder) throws Exception {
    try (var hub = DemoHub.start(folder);
        var previews = Previews.open(hub.folder(DemoHub.BASE_MODEL), 0)) {
      var pictures = previews.without();
      assertThat(pictures).hasSameSizeAs(Previews.PROMPTS);
      assertThat(pictures).allMatch(p -> StyleStatistic.of(p) < StyleStatistic.THRESHOLD);
      // it draws what is asked for, not just grey
      assertThat(redness(pictures.get(0).getRGB(32, 32))).isGreaterThan(60);
      assertThat(redness(pictures.get(1).getRGB(32, 32))).isLessThan(-60);
    }
  }

  /** Red less blue. */
  private static int redness(int rgb) {
    return (rgb >> 16 & 255) - (rgb & 255);
  }
}
