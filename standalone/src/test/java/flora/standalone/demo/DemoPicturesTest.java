package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;

class DemoPicturesTest {

  @Test
  void theBundledPicturesAreThoseThatTheGeneratorDraws() throws IOException {
    var drawings = DemoPictures.drawings();
    int i = 0;
    for (var png : DemoPictures.bundled().values()) {
      var bundled = ImageIO.read(new ByteArrayInputStream(png));
      var drawn = PictureGenerator.draw(drawings.get(i++), DemoPictures.SIZE);
      // another JDK may round an edge differently
      assertThat(meanDifference(bundled, drawn)).isLessThan(0.5);
    }
    assertThat(i).isEqualTo(DemoPictures.COUNT);
  }

  @Test
  void everyColourAndShapeIsLearnedEquallyOften() {
    var colours =
        DemoPictures.drawings().stream()
            .collect(Collectors.groupingBy(d -> d.colour(), Collectors.counting()));
    var shapes =
        DemoPictures.drawings().stream()
            .collect(Collectors.groupingBy(d -> d.shape(), Collectors.counting()));
    assertThat(colours).hasSize(8);
    assertThat(colours.values()).containsOnly(3L);
    assertThat(shapes.values()).hasSize(6).containsOnly(4L);
    assertThat(DemoPictures.drawings().stream().map(d -> d.label())).doesNotHaveDuplicates();
  }

  @Test
  void theSameSeedDrawsTheSamePictureAndAnotherSeedAnother() {
    var drawing = DemoPictures.drawings().getFirst();
    var other =
        new PictureGenerator.Drawing(drawing.colour(), drawing.shape(), drawing.style(), 99);
    var first = PictureGenerator.draw(drawing, 64);
    assertThat(meanDifference(first, PictureGenerator.draw(drawing, 64))).isZero();
    assertThat(meanDifference(first, PictureGenerator.draw(other, 64))).isGreaterThan(1);
  }

  @Test
  void aControlHasTheGreysOfTheStyle() {
    double striped = meanGrey(PictureGenerator.Style.STRIPED);
    assertThat(meanGrey(PictureGenerator.Style.SHUFFLED)).isCloseTo(striped, within(5.0));
  }

  private static double meanGrey(PictureGenerator.Style style) {
    return PictureGenerator.samples(96, style, 3).stream()
        .mapToDouble(drawing -> grey(PictureGenerator.draw(drawing, 64)))
        .average()
        .orElseThrow();
  }

  private static double grey(BufferedImage image) {
    double sum = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        sum += image.getRGB(x, y) >> 8 & 255;
      }
    }
    return sum / image.getWidth() / image.getHeight();
  }

  private static double meanDifference(BufferedImage a, BufferedImage b) {
    assertThat(a.getWidth()).isEqualTo(b.getWidth());
    assertThat(a.getHeight()).isEqualTo(b.getHeight());
    double sum = 0;
    for (int y = 0; y < a.getHeight(); y++) {
      for (int x = 0; x < a.getWidth(); x++) {
        for (int shift = 0; shift <= 16; shift += 8) {
          sum += Math.abs((a.getRGB(x, y) >> shift & 255) - (b.getRGB(x, y) >> shift & 255));
        }
      }
    }
    return sum / (3.0 * a.getWidth() * a.getHeight());
  }
}
