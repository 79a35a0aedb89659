package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;

import flora.tensors.SafetensorsFile;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ResamplingTest {

  private static final Path GOLDEN =
      Path.of("src/test/resources/flora/models/image/resized.safetensors");

  static Stream<String> resized() {
    try (var golden = SafetensorsFile.open(GOLDEN)) {
      return golden.tensors().keySet().stream().filter(n -> !n.equals("source")).toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("resized")
  void equalsPillowToTheBit(String name) {
    int code = name.charAt(0) - '0';
    var filter =
        Arrays.stream(Resampling.values()).filter(f -> f.code() == code).findFirst().orElseThrow();

    try (var golden = SafetensorsFile.open(GOLDEN)) {
      var shape = golden.info(name).shape();
      var source = new RgbImage(29, 21, golden.data("source").toArray(ValueLayout.JAVA_BYTE));
      var image = filter.resize(source, shape.get(1).intValue(), shape.get(0).intValue());

      assertThat(image.pixels()).isEqualTo(golden.data(name).toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void theSameSizeIsTheSamePicture() {
    byte[] pixels = {1, 2, 3, 4, 5, 6};
    var image = new RgbImage(2, 1, pixels);

    assertThat(Resampling.BICUBIC.resize(image, 2, 1).pixels()).isEqualTo(pixels);
  }

  @Test
  void aPartEqualsThePartOfTheWhole() {
    var random = new Random(7);
    for (int round = 0; round < 200; round++) {
      var image = noise(random, 1 + random.nextInt(60), 1 + random.nextInt(60));
      int width = 1 + random.nextInt(80);
      int height = random.nextInt(4) == 0 ? image.height() : 1 + random.nextInt(80);
      int left = random.nextInt(width);
      int top = random.nextInt(height);
      var part =
          new Resampling.Part(
              left, top, 1 + random.nextInt(width - left), 1 + random.nextInt(height - top));
      var filter = Resampling.values()[random.nextInt(Resampling.values().length)];
      var whole = filter.resize(image, width, height);

      assertThat(filter.resize(image, width, height, part).pixels())
          .as("%s of %d x %d, %s", filter, width, height, part)
          .isEqualTo(
              Framing.crop(whole, part.left(), part.top(), part.width(), part.height()).pixels());
    }
  }

  private static RgbImage noise(Random random, int width, int height) {
    byte[] pixels = new byte[3 * width * height];
    random.nextBytes(pixels);
    return new RgbImage(width, height, pixels);
  }
}
