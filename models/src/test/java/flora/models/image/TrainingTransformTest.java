package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.Golden;
import flora.models.image.TrainingTransform.Cut;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

class TrainingTransformTest {

  /** Written by tools/parity/make_cuts.py. */
  @ParameterizedTest
  @CsvFileSource(resources = "cuts.csv", numLinesToSkip = 1)
  void equalsTorchvisionToTheBit(
      String file,
      int resizedWidth,
      int resizedHeight,
      int left,
      int top,
      int width,
      int height,
      int mirrored,
      String sha256)
      throws Exception {
    var picture = new ImageDecoder().decode(Golden.ROOT.resolve("images").resolve(file));
    var cut = new Cut(resizedWidth, resizedHeight, left, top, width, height, mirrored == 1);

    var values = TrainingTransform.apply(picture, cut);

    assertThat(values.width()).isEqualTo(width);
    assertThat(values.height()).isEqualTo(height);
    var bytes = ByteBuffer.allocate(Float.BYTES * values.values().length);
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().put(values.values());
    var digest = MessageDigest.getInstance("SHA-256").digest(bytes.array());
    assertThat(HexFormat.of().formatHex(digest)).isEqualTo(sha256);
  }

  @Test
  void cutsThePartThatIsAskedFor() {
    var wide = gradient(20, 8);

    var values = TrainingTransform.apply(wide, new Cut(20, 8, 5, 0, 8, 8, false));

    assertThat(values.values()[0]).isEqualTo((5 / 255f - 0.5f) / 0.5f);
    assertThat(values.values()[7]).isEqualTo((12 / 255f - 0.5f) / 0.5f);
  }

  @Test
  void mirrorsThePartAfterCuttingIt() {
    var wide = gradient(20, 8);

    var plain = TrainingTransform.apply(wide, new Cut(20, 8, 5, 0, 8, 8, false)).values();
    var mirrored = TrainingTransform.apply(wide, new Cut(20, 8, 5, 0, 8, 8, true)).values();

    for (int i = 0; i < plain.length; i++) {
      assertThat(mirrored[i]).isEqualTo(plain[i - i % 8 + 7 - i % 8]);
    }
  }

  @Test
  void theMiddleIsTorchvisions() {
    // int(round(6.5)) is 6 in Python
    assertThat(TrainingTransform.middle(gradient(21, 8), 8))
        .isEqualTo(new Cut(21, 8, 6, 0, 8, 8, false));
    assertThat(TrainingTransform.middle(gradient(8, 21), 8))
        .isEqualTo(new Cut(8, 21, 0, 6, 8, 8, false));
  }

  @Test
  void refusesAPartOutsideThePicture() {
    assertThatThrownBy(() -> new Cut(20, 8, 13, 0, 8, 8, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("(13, 0)");
  }

  /** Red counts columns, green rows. */
  private static RgbImage gradient(int width, int height) {
    var pixels = new byte[3 * width * height];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        pixels[3 * (y * width + x)] = (byte) x;
        pixels[3 * (y * width + x) + 1] = (byte) y;
      }
    }
    return new RgbImage(width, height, pixels);
  }
}
