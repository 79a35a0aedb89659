package flora.models.singlefile;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;
import static org.assertj.core.api.Assumptions.assumeThat;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.ModelConfig;
import flora.models.ModelException.Unsupported;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextConfig;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Prediction;
import flora.models.stablediffusion.UNetConfig;
import flora.models.stablediffusion.VaeConfig;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.LongUnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SingleFileTest {
  private static final Path TINY = Golden.ROOT.resolve("models/tiny-sd");
  private static final long BILLION = 1_000_000_000L;

  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"sd15", "three", "deep"})
  void tellsTheConfigurationFromShapes(String size) throws IOException {
    var peer = PeerKeys.of(size);
    var file = sparse(peer, new SparseFile());
    try (var checkpoint = Checkpoint.open(file)) {
      var layout = SingleFile.of(checkpoint);
      assertThat(layout.unet()).isEqualTo(peer.unet());
      assertThat(layout.vae()).isEqualTo(peer.vae());
      assertThat(layout.text()).isEqualTo(peer.text());
    }
  }

  @Test
  void takesStableDiffusion15AsPublishedWithoutReadingIt() throws IOException {
    var beside = new SparseFile();
    for (var name : List.of("betas", "alphas_cumprod", "posterior_variance", "model_ema.decay")) {
      beside.hole(name, DType.F32, List.of(1000L));
    }
    beside.hole(
        "cond_stage_model.transformer.text_model.embeddings.position_ids",
        DType.I64,
        List.of(1L, 77L));
    var model = ModelFiles.open(sparse(PeerKeys.of("sd15"), beside));
    // every tensor has its place: these throw otherwise
    try (var unet = model.unet();
        var vae = model.vae();
        var text = model.textEncoder()) {
      assertThat(unet.config().contextSizes()).containsOnly(768);
      assertThat(vae.config().factor()).isEqualTo(8);
      assertThat(text.config().heads()).isEqualTo(12);
    }
    assertThat(model.tokenizer().vocabularySize()).isEqualTo(49408);
    assertThat(NoiseSchedule.of(model.scheduler()).prediction()).isEqualTo(Prediction.EPSILON);
  }

  @Test
  void computesTheSameBitsAsTheFolderFromAFileFarLargerThanItsParts() throws Exception {
    var statm = Path.of("/proc/self/status");
    assumeThat(statm).exists();
    var file = folder.resolve("large.safetensors");
    // products add up in an order that depends on where a matrix begins
    tiny(file, 1_925_000_000L, address -> address % 64);
    assertThat(Files.size(file)).isGreaterThan(7_700_000_000L);
    assumeThat(blocks(file)).as("the file system keeps holes").isLessThan(BILLION);

    var folders = ModelFiles.Folders.of(TINY);
    float[][] expected = outputs(folders);
    long before = resident();
    long start = System.nanoTime();
    var single = new ModelFiles.Single(file, tinyLayout(), null, TINY.resolve("tokenizer"));
    single.unet().close();
    single.vae().close();
    single.textEncoder().close();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(1));
    assertThat(resident() - before).as("growth in bytes").isLessThan(50_000_000L);
    assertThat(outputs(single)).isDeepEqualTo(expected);
  }

  @Test
  void tensorsMayBeginAnywhere() throws Exception {
    var file = folder.resolve("odd.safetensors");
    var random = new Random(3);
    tiny(file, 1, address -> 2L * random.nextInt(32) + 1);
    var expected = outputs(ModelFiles.Folders.of(TINY));
    var actual =
        outputs(new ModelFiles.Single(file, tinyLayout(), null, TINY.resolve("tokenizer")));
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).containsExactly(expected[i], within(1e-5f));
    }
  }

  @Test
  void readsTheShapesOfATinyModelRight() throws Exception {
    var file = folder.resolve("tiny.safetensors");
    tiny(file, 1, address -> address % 64);
    try (var checkpoint = Checkpoint.open(file)) {
      var found = SingleFile.of(checkpoint);
      var wanted = tinyLayout();
      assertThat(found.unet())
          .usingRecursiveComparison()
          .ignoringFields("sampleSize")
          .isEqualTo(wanted.unet());
      assertThat(found.vae())
          .usingRecursiveComparison()
          .ignoringFields("groups")
          .isEqualTo(wanted.vae());
      assertThat(found.text())
          .usingRecursiveComparison()
          .ignoringFields("heads", "endId")
          .isEqualTo(wanted.text());
    }
  }

  @ParameterizedTest
  @CsvSource({
    "conditioner.embedders.0.transformer.x, Stable Diffusion XL",
    "cond_stage_model.model.ln_final.bias, Stable Diffusion 2",
    "model.diffusion_model.double_blocks.0.x, a diffusion transformer",
    "lora_unet_mid_block.alpha, an adapter",
    "something.else, no denoiser"
  })
  void refusesOtherModelsByName(String key, String name) throws IOException {
    var file = folder.resolve("other.safetensors");
    new SparseFile().hole(key, DType.F32, List.of(1L)).writeTo(file);
    assertThatThrownBy(() -> ModelFiles.open(file))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("other.safetensors")
        .hasMessageContaining(name);
  }

  @Test
  void anUnknownTensorAmongTheDenoisersIsRefused() throws IOException {
    var beside = new SparseFile().hole("model.diffusion_model.surplus", DType.F32, List.of(1L));
    var model = ModelFiles.open(sparse(PeerKeys.of("three"), beside));
    assertThatThrownBy(model::unet)
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("model.diffusion_model.surplus");
  }

  @Test
  void theMarkerOfVelocitiesIsHeeded() throws IOException {
    var beside = new SparseFile().hole("v_pred", DType.F32, List.of(0L));
    var model = ModelFiles.open(sparse(PeerKeys.of("three"), beside));
    assertThat(NoiseSchedule.of(model.scheduler()).prediction()).isEqualTo(Prediction.VELOCITY);
  }

  private Path sparse(PeerKeys peer, SparseFile file) throws IOException {
    var path = folder.resolve("model.safetensors");
    peer.shapes().forEach((name, shape) -> file.hole(name, DType.F32, shape));
    file.writeTo(path);
    return path;
  }

  /** tiny-sd in one file, between an average of the weights and a schedule that nobody reads. */
  private static void tiny(Path file, long averaged, LongUnaryOperator remainder)
      throws IOException {
    var layout = tinyLayout();
    var single = new SparseFile();
    single.hole("alphas_cumprod", DType.U8, List.of(3L));
    single.hole("model_ema.diffusion_modelinput_blocks00weight", DType.F32, List.of(averaged));
    add(single, TINY.resolve("unet"), layout.unetKeys(), remainder);
    add(single, TINY.resolve("vae"), layout.vaeKeys(), remainder);
    add(single, TINY.resolve("text_encoder"), layout.textKeys(), remainder);
    single.writeTo(file);
  }

  private static void add(SparseFile single, Path part, LdmKeys keys, LongUnaryOperator remainder) {
    try (var weights = Checkpoint.open(part)) {
      for (var name : weights.names()) {
        var stored = keys.stored(name);
        var shape = new ArrayList<>(weights.info(name).shape());
        if (stored.contains("attn_1") && shape.size() == 2) {
          shape.addAll(List.of(1L, 1L));
        }
        single.align(remainder.applyAsLong(weights.file(name).fileOffset(name)));
        single.tensor(
            stored,
            weights.info(name).dtype(),
            shape,
            weights.data(name).toArray(ValueLayout.JAVA_BYTE));
      }
    }
  }

  private static SingleFile tinyLayout() {
    return new SingleFile(
        UNetConfig.read(TINY.resolve("unet/config.json")),
        VaeConfig.read(TINY.resolve("vae/config.json")),
        ClipTextConfig.of(ModelConfig.read(TINY.resolve("text_encoder/config.json"))),
        true,
        ModelConfig.read(TINY.resolve("scheduler/scheduler_config.json")));
  }

  private static float[][] outputs(ModelFiles model) {
    try (var scope = new Scope();
        var unet = model.unet();
        var vae = model.vae();
        var text = model.textEncoder()) {
      var ids = model.tokenizer().encode("a red circle", 77).ids();
      NDArray context = text.forward(Aten.of(ids, 1, 77));
      NDArray noisy = unet.forward(ramp(1, 4, 8, 8), new float[] {321}, context);
      return new float[][] {
        context.toFloatArray(),
        noisy.toFloatArray(),
        vae.encode(ramp(1, 3, 32, 32)).mean().toFloatArray(),
        vae.decode(ramp(1, 4, 4, 4)).toFloatArray()
      };
    }
  }

  private static NDArray ramp(long... shape) {
    int count = 1;
    for (long extent : shape) {
      count *= (int) extent;
    }
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) Math.sin(i);
    }
    return Aten.of(values, shape);
  }

  private static long blocks(Path file) throws Exception {
    var du = new ProcessBuilder("du", "-B1", file.toString()).start();
    var line = new String(du.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(du.waitFor(10, TimeUnit.SECONDS)).isTrue();
    return Long.parseLong(line.split("\\s")[0]);
  }

  private static long resident() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("RssAnon:") || line.startsWith("RssFile:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) * 1024)
        .sum();
  }
}
