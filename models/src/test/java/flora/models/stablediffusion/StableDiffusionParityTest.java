package flora.models.stablediffusion;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** UNet and autoencoder give what diffusers gives for the same weights and inputs. */
class StableDiffusionParityTest {
  private static final Path MODELS = Golden.ROOT.resolve("models");

  private static Golden golden;
  private static UNet unet;

  @BeforeAll
  static void open() {
    golden = Golden.open("tiny-sd");
    unet = UNet.open(MODELS.resolve("tiny-sd/unet"));
  }

  @AfterAll
  static void close() {
    unet.close();
    golden.close();
  }

  @Test
  void timesAsWaves() {
    golden.assertClose(
        "unet.time_proj", TimestepEmbedding.sinusoids(new float[] {37, 961}, 16, true, 0));
  }

  @Test
  void unetAtOneTimePerSample() {
    try (var scope = new Scope()) {
      NDArray y = unet.forward(array("unet.sample"), new float[] {37, 961}, array("unet.context"));
      golden.assertClose("unet.out", y.toFloatArray());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"wide", "odd"})
  void unetOnLatentsThatAreNotSquare(String which) {
    try (var scope = new Scope()) {
      NDArray context = Aten.narrow(array("unet.context"), 0, 0, 1);
      NDArray y = unet.forward(array("unet_" + which + ".sample"), new float[] {500}, context);
      golden.assertClose("unet_" + which + ".out", y.toFloatArray());
    }
  }

  @ParameterizedTest
  @CsvSource({"tiny-sd/vae,vae", "tiny-sd/vae,vae_wide", "tiny-vae,tiny_vae"})
  void autoencoderBothWays(String folder, String prefix) {
    try (var scope = new Scope();
        var vae = Vae.open(MODELS.resolve(folder))) {
      Posterior posterior = vae.encode(array(prefix + ".pixels"));
      golden.assertClose(prefix + ".mean", posterior.mean().toFloatArray());
      golden.assertClose(prefix + ".logvar", posterior.logVariance().toFloatArray());
      NDArray pixels = vae.decode(array(prefix + ".latents_in"));
      golden.assertClose(prefix + ".decoded", pixels.toFloatArray());
    }
  }

  @Test
  void forwardLeavesOnlyItsResult() {
    try (var outer = new Scope()) {
      NDArray sample = array("unet.sample");
      NDArray context = array("unet.context");
      int before = Aten.manager().getManagedArrays().size();
      unet.forward(sample, new float[] {37, 961}, context);
      assertThat(Aten.manager().getManagedArrays()).hasSize(before + 1);
    }
  }

  private static NDArray array(String name) {
    long[] shape = golden.shape(name).stream().mapToLong(Long::longValue).toArray();
    assertThat(Arrays.stream(shape).reduce(1, (a, b) -> a * b)).isPositive();
    return Aten.of(golden.floats(name), shape);
  }
}
