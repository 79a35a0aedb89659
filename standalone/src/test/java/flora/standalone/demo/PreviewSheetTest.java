package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import flora.standalone.demo.PreviewSheet.Row;
import java.awt.Color;
import java.awt.image.BufferedImage;
import java.util.List;
import org.junit.jupiter.api.Test;

class PreviewSheetTest {

  private static final BufferedImage RED = filled(Color.RED);
  private static final BufferedImage BLUE = filled(Color.BLUE);

  @Test
  void showsEveryPictureOfEveryRow() {
    var sheet =
        PreviewSheet.of(
            List.of(
                new Row("before", List.of(RED, RED), List.of("a", "b")),
                new Row("after", List.of(BLUE, RED), List.of("a", "b"))));
    assertThat(pixels(sheet, Color.RED)).isEqualTo(3 * 128 * 128);
    assertThat(pixels(sheet, Color.BLUE)).isEqualTo(128 * 128);
  }

  @Test
  void writesTitlesAndCaptionsWithoutTheSystemsFonts() {
    var without = PreviewSheet.of(List.of(new Row("", List.of(RED), List.of(""))));
    var with = PreviewSheet.of(List.of(new Row("before", List.of(RED), List.of("a red ring"))));
    var ink = new Color(40, 40, 44);
    assertThat(pixels(without, ink)).isZero();
    assertThat(pixels(with, ink)).isGreaterThan(300);
  }

  @Test
  void aMeasuredRowSaysHowStripedEachPictureIs() {
    var row = Row.measured("after", List.of(RED), List.of("a red circle"));
    assertThat(row.captions()).containsExactly("a red circle\n0.0");
  }

  @Test
  void aPictureWithoutCaptionIsRefused() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> new Row("before", List.of(RED, BLUE), List.of("a")));
  }

  private static long pixels(BufferedImage image, Color colour) {
    long count = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        if (image.getRGB(x, y) == colour.getRGB()) {
          count++;
        }
      }
    }
    return count;
  }

  private static BufferedImage filled(Color colour) {
    var image = new BufferedImage(64, 64, BufferedImage.TYPE_INT_RGB);
    var graphics = image.createGraphics();
    graphics.setColor(colour);
    graphics.fillRect(0, 0, 64, 64);
    graphics.dispose();
    return image;
  }
}
