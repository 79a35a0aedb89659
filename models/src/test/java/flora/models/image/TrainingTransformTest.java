package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class TrainingTransformTest {

  private final TrainingTransform transform = new TrainingTransform(8);

  @Test
  void cutsTheSquareThatIsAskedFor() {
    var wide = gradient(20, 8);

    var values = transform.cut(transform.resize(wide), 5, 0, false);

    assertThat(values.values()[0]).isEqualTo((5 / 255f - 0.5f) / 0.5f);
    assertThat(values.values()[7]).isEqualTo((12 / 255f - 0.5f) / 0.5f);
  }

  @Test
  void mirrorsTheSquareAfterCuttingIt() {
    var wide = gradient(20, 8);

    var plain = transform.cut(wide, 5, 0, false).values();
    var mirrored = transform.cut(wide, 5, 0, true).values();

    for (int i = 0; i < plain.length; i++) {
      assertThat(mirrored[i]).isEqualTo(plain[i - i % 8 + 7 - i % 8]);
    }
  }

  @Test
  void takesTheMiddleUnlessToldOtherwise() {
    var wide = gradient(21, 8);

    // int(round(6.5)) is 6 in Python
    assertThat(transform.apply(wide).values())
        .containsExactly(transform.cut(wide, 6, 0, false).values());
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
