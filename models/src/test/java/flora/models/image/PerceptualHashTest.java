package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;

import java.awt.Color;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Path;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

/** The values are those of Python's imagehash 4.3; tools/parity/make_hashes.py writes them. */
class PerceptualHashTest {

  private static final Path RESOURCES = Path.of("src/test/resources");
  private final ImageDecoder decoder = new ImageDecoder();

  @ParameterizedTest
  @CsvFileSource(resources = "phash.csv", numLinesToSkip = 1)
  void equalsImagehash(String file, String hash) {
    assertThat("%016x".formatted(PerceptualHash.of(decoder.decode(RESOURCES.resolve(file)))))
        .isEqualTo(hash);
  }

  @Test
  void aSmallerCopyInAnotherFormatLooksAlike() throws IOException {
    var picture = decoder.decode(RESOURCES.resolve("parity/images/large.png"));
    var smaller = Resampling.BICUBIC.resize(picture, picture.width() / 2, picture.height() / 2);
    var copy = decoder.decode(jpeg(smaller));
    var other = decoder.decode(RESOURCES.resolve("parity/images/rgb_square.png"));

    assertThat(distance(picture, copy)).isLessThanOrEqualTo(4);
    assertThat(difference(picture, copy)).isLessThanOrEqualTo(4);
    assertThat(distance(picture, other)).isGreaterThan(8);
  }

  @Test
  void theThumbTellsARedCircleFromAGreenOne() throws IOException {
    // as bright as each other: in grey they are one picture
    var red = circle(new Color(200, 40, 40));
    var green = circle(new Color(40, 121, 41));

    assertThat(distance(red, green)).isLessThanOrEqualTo(4);
    assertThat(difference(red, green)).isGreaterThan(16);
  }

  @Test
  void aThumbHoldsTheMeanColourOfEachCell() {
    byte[] pixels = new byte[3 * 8 * 8];
    for (int i = 0; i < 64; i++) {
      pixels[3 * i] = (byte) (i % 8 / 2 * 60);
      pixels[3 * i + 1] = (byte) (i / 8 / 2 * 60);
      pixels[3 * i + 2] = (byte) (i % 2 == 0 ? 100 : 200);
    }
    byte[] thumb = PerceptualHash.thumb(new RgbImage(8, 8, pixels));

    assertThat(thumb).hasSize(48);
    for (int cell = 0; cell < 16; cell++) {
      assertThat(thumb[3 * cell] & 0xff).isEqualTo(cell % 4 * 60);
      assertThat(thumb[3 * cell + 1] & 0xff).isEqualTo(cell / 4 * 60);
      assertThat(thumb[3 * cell + 2] & 0xff).isEqualTo(150);
    }
  }

  private RgbImage circle(Color colour) throws IOException {
    var image = new BufferedImage(96, 96, BufferedImage.TYPE_INT_RGB);
    var graphics = image.createGraphics();
    graphics.setColor(Color.WHITE);
    graphics.fillRect(0, 0, 96, 96);
    graphics.setColor(colour);
    graphics.fillOval(20, 12, 64, 64);
    graphics.dispose();
    var bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "png", bytes);
    return decoder.decode(bytes.toByteArray());
  }

  private static byte[] jpeg(RgbImage picture) throws IOException {
    var image = new BufferedImage(picture.width(), picture.height(), BufferedImage.TYPE_INT_RGB);
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        image.setRGB(
            x,
            y,
            picture.value(x, y, 0) << 16 | picture.value(x, y, 1) << 8 | picture.value(x, y, 2));
      }
    }
    var bytes = new ByteArrayOutputStream();
    ImageIO.write(image, "jpg", bytes);
    return bytes.toByteArray();
  }

  private static int distance(RgbImage one, RgbImage other) {
    return Long.bitCount(PerceptualHash.of(one) ^ PerceptualHash.of(other));
  }

  private static double difference(RgbImage one, RgbImage other) {
    byte[] a = PerceptualHash.thumb(one);
    byte[] b = PerceptualHash.thumb(other);
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += Math.abs((a[i] & 0xff) - (b[i] & 0xff));
    }
    return sum / a.length;
  }
}
