package flora.models.stablediffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Scope;
import flora.models.image.RgbImage;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.scheduler.Sampler;
import flora.models.stablediffusion.TextToImage.Drawing;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Whole drawings equal diffusers' pipeline. */
class TextToImageTest {
  private static Golden golden;
  private static TextToImage model;

  @BeforeAll
  static void open() {
    golden = Golden.open("tiny-sd");
    model = TextToImage.open(Golden.ROOT.resolve("models/tiny-sd"));
  }

  @AfterAll
  static void close() {
    model.close();
    golden.close();
  }

  @ParameterizedTest
  @CsvSource({"DDIM,ddim", "PNDM,pndm", "EULER,euler", "DPM_SOLVER,dpmpp"})
  void drawsWithEverySampler(Sampler.Kind kind, String name) {
    try (var scope = new Scope()) {
      NDArray latents = model.denoise(drawing(kind, 64), golden.floats("sample.latents"));
      golden.assertClose("sample." + name + ".final", latents.toFloatArray());
      golden.assertClose("sample." + name + ".image", model.pixels(latents).toFloatArray());
    }
  }

  @Test
  void theModelNamesItsOwnSampler() {
    assertThat(model.ownSampler()).isEqualTo(Sampler.Kind.PNDM);
  }

  @Test
  void theSameSeedDrawsTheSamePicture() {
    RgbImage picture = model.draw(drawing(Sampler.Kind.DDIM, 96), 3);
    assertThat(picture.width()).isEqualTo(96);
    assertThat(picture.height()).isEqualTo(64);
    assertThat(model.draw(drawing(Sampler.Kind.DDIM, 96), 3).pixels()).isEqualTo(picture.pixels());
    assertThat(model.draw(drawing(Sampler.Kind.DDIM, 96), 4).pixels())
        .isNotEqualTo(picture.pixels());
  }

  @Test
  void anAdapterChangesThePictureAsStronglyAsAsked() {
    Drawing drawing = drawing(Sampler.Kind.DDIM, 64);
    byte[] plain = model.draw(drawing, 3).pixels();
    var config = LoraConfig.of(2, 2, 0, List.of("to_v"));
    LoraState state;
    try (var fresh = Lora.create(Network.UNET, model.unet().layers(), config, 1)) {
      assertThat(model.draw(drawing, 3).pixels()).isEqualTo(plain);
      state = fresh.state();
    }
    var matrices = new LinkedHashMap<>(state.matrices());
    matrices.replaceAll(
        (name, matrix) -> {
          var values = matrix.values().clone();
          for (int i = 0; i < values.length && name.endsWith(LoraState.B); i++) {
            values[i] = (float) Math.sin(i);
          }
          return new LoraState.Matrix(
              matrix.shape().stream().mapToLong(Long::longValue).toArray(), values);
        });
    try (var lora = Lora.of(Network.UNET, model.unet().layers(), config, new LoraState(matrices))) {
      assertThat(model.draw(drawing, 3).pixels()).isNotEqualTo(plain);
      lora.strength(0);
      assertThat(model.draw(drawing, 3).pixels()).isEqualTo(plain);
    }
  }

  @Test
  void refusesSizesThatLatentsCannotHave() {
    assertThatThrownBy(() -> model.draw(drawing(Sampler.Kind.DDIM, 60), 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("multiples of 8");
  }

  private static Drawing drawing(Sampler.Kind kind, int width) {
    return new Drawing("a red circle", "", 7.5, 10, width, 64, kind);
  }
}
