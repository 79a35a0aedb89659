package flora.models.blip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.generate.EarlyStopping;
import flora.models.generate.GenerationOptions;
import flora.models.generate.TextDecoder;
import flora.models.image.ImageDecoder;
import flora.models.image.PixelValues;
import flora.models.weights.Precision;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BlipMemoryTest {
  private static final Path TINY_BLIP = Golden.ROOT.resolve("models/tiny-blip");

  @TempDir Path folder;

  private static int arrays() {
    return Aten.manager().getManagedArrays().size();
  }

  private static TextDecoder decoder(BlipModel blip, int pictures, int beams) {
    int side = blip.visionConfig().imageSize();
    try (var _ = new Scope()) {
      float[] pixels = new float[pictures * 3 * side * side];
      return blip.decoder(blip.imageEmbeds(Aten.of(pixels, pictures, 3, side, side)), beams);
    }
  }

  @Test
  void theTwentiethStepHoldsAsManyArraysAsTheSecond() {
    try (var blip = BlipModel.open(TINY_BLIP, Precision.FP32)) {
      decoder(blip, 1, 1).close();
      int before = arrays();
      int second = 0;
      try (var decoder = decoder(blip, 2, 3)) {
        for (int step = 1; step <= 20; step++) {
          decoder.next(new int[6], 1);
          decoder.reorder(new int[] {2, 0, 1, 3, 5, 5});
          if (step == 2) {
            second = arrays();
          }
        }
        assertThat(arrays()).isEqualTo(second).isGreaterThan(before);

        decoder.reorder(new int[] {3, 4, 5});
        assertThat(decoder.rows()).isEqualTo(3);
        assertThat(arrays()).isEqualTo(second);
      }
      assertThat(arrays()).isEqualTo(before);
    }
  }

  @Test
  void captionsLeaveNothingBehind() {
    var options = new GenerationOptions(3, 8, 0, 1, 0, 1, EarlyStopping.FALSE);
    try (var captioning = BlipCaptioning.open(TINY_BLIP, Precision.FP32, options, null)) {
      PixelValues picture =
          captioning.prepare(new ImageDecoder().decode(Golden.ROOT.resolve("images/large.png")));
      List<String> first = captioning.caption(List.of(picture, picture), () -> {});
      int before = arrays();

      assertThat(captioning.caption(List.of(picture, picture), () -> {})).isEqualTo(first);
      assertThat(captioning.caption(List.of(picture), () -> {})).containsExactly(first.getFirst());
      assertThat(captioning.caption(List.of(), () -> {})).isEmpty();

      assertThat(arrays()).isEqualTo(before);
    }
  }

  @Test
  void theWeightsAreTheMappedFile() throws IOException {
    Path maps = Path.of("/proc/self/maps");
    assumeTrue(Files.isReadable(maps), "mappings can be seen on Linux only");
    Path copy = folder.resolve("model.safetensors");
    Files.copy(TINY_BLIP.resolve("model.safetensors"), copy);
    Files.copy(TINY_BLIP.resolve("config.json"), folder.resolve("config.json"));
    String name = copy.toRealPath().toString();

    int before = arrays();
    try (var blip = BlipModel.open(folder, Precision.FP32)) {
      decoder(blip, 1, 1).close();
      assertThat(Files.readString(maps)).contains(name);
    }
    assertThat(Files.readString(maps)).doesNotContain(name);
    assertThat(arrays()).isEqualTo(before);
  }
}
