package flora.models.stablediffusion;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.aten.Segments.Keep;
import flora.models.clip.ClipTextEncoder;
import flora.models.lora.Dropout;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.train.AdamW;
import flora.models.train.DenoisingLoss;
import flora.models.train.LoraStep;
import flora.models.train.Objective;
import flora.models.train.ParameterGroups;
import flora.models.train.ParameterGroups.Group;
import flora.models.weights.AdaptableLayer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training in segments: kept or recomputed, in memory or read again, the bits are the same. */
class UNetSegmentsTest {
  private static final Path MODEL = Golden.ROOT.resolve("models/tiny-sd");
  private static final List<String> ATTENTION = List.of("to_q", "to_k", "to_v", "to_out.0");
  private static final List<String> EVERYTHING =
      List.of(
          "to_q",
          "to_k",
          "to_v",
          "to_out.0",
          "ff.net.0.proj",
          "ff.net.2",
          "proj_in",
          "proj_out",
          "conv1",
          "conv2",
          "conv_shortcut",
          "time_emb_proj",
          "downsamplers.0.conv",
          "upsamplers.0.conv",
          "time_embedding.linear_1",
          "time_embedding.linear_2",
          "conv_in",
          "conv_out");

  private static UNet unet;
  private static DenoisingLoss loss;

  @BeforeAll
  static void open() {
    unet = UNet.open(MODEL.resolve("unet"));
    var schedule = NoiseSchedule.read(MODEL.resolve("scheduler/scheduler_config.json"));
    loss = new DenoisingLoss(unet, schedule, Objective.of(schedule, 5.0));
  }

  @AfterAll
  static void close() {
    unet.close();
  }

  @ParameterizedTest
  @ValueSource(ints = {8, 11})
  void thePredictionIsThePlainOneToTheBit(int side) {
    try (var scope = new Scope();
        var lora = lora(EVERYTHING, 0);
        var segments = Segments.keepingAll()) {
      var batch = batch(0, side);
      var times = new float[] {37, 961};
      float[] plain = unet.forward(batch.latents(), times, batch.context()).toFloatArray();
      int id =
          unet.forward(
              segments,
              segments.input(batch.latents(), false),
              times,
              segments.input(batch.context(), false));
      assertThat(segments.value(id).toFloatArray()).isEqualTo(plain);
    }
  }

  @Test
  void keptAndRecomputedGradientsOfEveryLayerAreEqualToTheBit() {
    try (var lora = lora(EVERYTHING, 0)) {
      List<float[]> kept = gradients(lora, Segments.keepingAll());
      List<float[]> recomputed = gradients(lora, new Segments(Keep.FIT, 0, () -> {}));
      List<float[]> someKept = gradients(lora, new Segments(Keep.FIT, 10_000, () -> {}));
      List<float[]> plain = plainGradients(lora);
      List<String> names = lora.names();
      assertThat(names).hasSizeGreaterThan(200);
      int learning = 0;
      for (int i = 0; i < names.size(); i++) {
        assertThat(recomputed.get(i)).as(names.get(i)).isEqualTo(kept.get(i));
        assertThat(someKept.get(i)).as(names.get(i)).isEqualTo(kept.get(i));
        learning += norm(kept.get(i)) > 1e-6 ? 1 : 0;
        assertThat(distance(kept.get(i), plain.get(i)))
            .as("%s, of %s", names.get(i), norm(plain.get(i)))
            .isLessThan(1e-4 * norm(plain.get(i)) + 1e-7);
      }
      // queries and keys of a single pixel learn nothing
      assertThat(learning).isGreaterThan(names.size() * 3 / 4);
    }
  }

  @Test
  void aTextEncoderIsTrainedThroughItsStates() {
    var targets = List.of("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2");
    try (var encoder = ClipTextEncoder.open(MODEL.resolve("text_encoder"));
        var lora = lora(ATTENTION, 0);
        var text = lora(Network.TEXT_ENCODER, encoder.layers(), targets, 0)) {
      var parameters = new ArrayList<>(text.parameters());
      parameters.addAll(lora.parameters());
      List<float[]> kept;
      List<float[]> recomputed;
      List<float[]> plain;
      try (var scope = new Scope()) {
        kept = gradients(encoder, parameters, Segments.keepingAll());
        recomputed = gradients(encoder, parameters, new Segments(Keep.FIT, 0, () -> {}));
        try (var recording = Autograd.record()) {
          NDArray states = encoder.forward(ids(), null, 1);
          plain = values(Autograd.gradients(loss.of(batch(states)), parameters));
        }
      }
      int learning = 0;
      for (int i = 0; i < parameters.size(); i++) {
        assertThat(recomputed.get(i)).as("parameter %d", i).isEqualTo(kept.get(i));
        assertThat(distance(kept.get(i), plain.get(i)))
            .as("parameter %d, of %s", i, norm(plain.get(i)))
            .isLessThan(1e-4 * norm(plain.get(i)) + 1e-7);
        learning += i < text.parameters().size() && norm(kept.get(i)) > 1e-7 ? 1 : 0;
      }
      // all but the layer that is skipped
      int layers = encoder.config().layers();
      assertThat(learning).isEqualTo(text.parameters().size() / layers * (layers - 1));
    }
  }

  @Test
  void droppedInputsAreTheSameOnTheWayBack() {
    try (var lora = lora(ATTENTION, 0.3)) {
      lora.dropout(Dropout.of(RandomStream.of(5, "dropout"), new long[] {1, 2}, 0.3));
      List<float[]> kept = gradients(lora, Segments.keepingAll());
      List<float[]> recomputed = gradients(lora, new Segments(Keep.FIT, 0, () -> {}));
      lora.dropout(null);
      List<float[]> whole = gradients(lora, Segments.keepingAll());
      for (int i = 0; i < kept.size(); i++) {
        assertThat(recomputed.get(i)).isEqualTo(kept.get(i));
      }
      assertThat(kept.getFirst()).isNotEqualTo(whole.getFirst());
    }
  }

  @Test
  void anAdapterThatDoesNotActHasZeroGradients() {
    try (var lora = lora(ATTENTION, 0)) {
      lora.strength(0);
      for (float[] gradient : gradients(lora, new Segments(Keep.FIT, 0, () -> {}))) {
        assertThat(gradient).containsOnly(0);
      }
    }
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void weightsThatAreDroppedAfterEverySegmentGiveTheSameBits() {
    Runnable drop = unet.pages().orElseThrow().every(1);
    try (var lora = lora(ATTENTION, 0)) {
      List<float[]> inMemory = gradients(lora, Segments.keepingAll());
      List<float[]> kept = gradients(lora, new Segments(Keep.ALL, 0, drop));
      List<float[]> recomputed = gradients(lora, new Segments(Keep.FIT, 0, drop));
      for (int i = 0; i < inMemory.size(); i++) {
        assertThat(kept.get(i)).isEqualTo(inMemory.get(i));
        assertThat(recomputed.get(i)).isEqualTo(inMemory.get(i));
      }
    }
  }

  @Test
  void stepsLeaveNoArraysBehind() {
    int live = Aten.manager().getManagedArrays().size();
    try (var lora = lora(ATTENTION, 0);
        var optimizer =
            new AdamW(ParameterGroups.of(Group.of(lora, 1e-3)), AdamW.Settings.DEFAULT);
        var step = new LoraStep(optimizer, 1)) {
      int afterFirst = 0;
      for (int i = 0; i < 3; i++) {
        for (int micro = 0; micro < 2; micro++) {
          try (var scope = new Scope();
              var segments = new Segments(Keep.FIT, 0, () -> {})) {
            step.accumulate(segments, loss.of(segments, batch(micro, 8)), 2);
          }
        }
        assertThat(step.update(1)).isPositive();
        int now = Aten.manager().getManagedArrays().size();
        afterFirst = i == 0 ? now : afterFirst;
        assertThat(now).isEqualTo(afterFirst);
      }
    }
    assertThat(Aten.manager().getManagedArrays()).hasSize(live);
  }

  private static List<float[]> gradients(Lora lora, Segments segments) {
    try (var scope = new Scope();
        segments) {
      int value = loss.of(segments, batch(0, 8));
      return values(segments.backward(value, lora.parameters()));
    }
  }

  private static List<float[]> gradients(
      ClipTextEncoder encoder, List<NDArray> parameters, Segments segments) {
    try (segments) {
      int context = encoder.forward(segments, segments.input(ids(), false), 1);
      NDArray states = segments.value(context);
      assertThat(states.toFloatArray()).isEqualTo(encoder.forward(ids(), null, 1).toFloatArray());
      int value = loss.of(segments, batch(states), context);
      return values(segments.backward(value, parameters));
    }
  }

  private static NDArray ids() {
    return Aten.of(new long[] {832, 5, 17, 200, 833, 832, 9, 833, 833, 833}, 2, 5);
  }

  private static DenoisingLoss.Batch batch(NDArray context) {
    var batch = batch(0, 8);
    return new DenoisingLoss.Batch(batch.latents(), batch.noise(), batch.timesteps(), context);
  }

  private static List<float[]> plainGradients(Lora lora) {
    try (var scope = new Scope();
        var recording = Autograd.record()) {
      return values(Autograd.gradients(loss.of(batch(0, 8)), lora.parameters()));
    }
  }

  private static List<float[]> values(List<NDArray> arrays) {
    var values = new ArrayList<float[]>();
    arrays.forEach(array -> values.add(array.toFloatArray()));
    return values;
  }

  private static DenoisingLoss.Batch batch(int number, int side) {
    var stream = RandomStream.of(3, "batch");
    int count = 2 * 4 * side * side;
    int context = unet.config().contextSizes().getFirst();
    return new DenoisingLoss.Batch(
        Aten.of(stream.normal(number, 0, count), 2, 4, side, side),
        Aten.of(stream.normal(number, 1, count), 2, 4, side, side),
        List.of(stream.below(1000, number, 2), stream.below(1000, number, 3)),
        Aten.of(stream.normal(number, 4, 2 * 7 * context), 2, 7, context));
  }

  /** An adapter that acts: neither matrix is zero. */
  private static Lora lora(List<String> targets, double dropout) {
    return lora(Network.UNET, unet.layers(), targets, dropout);
  }

  private static Lora lora(
      Network network, Map<String, AdaptableLayer> layers, List<String> targets, double dropout) {
    var config = LoraConfig.of(2, 2, dropout, targets);
    LoraState state;
    try (var fresh = Lora.create(network, layers, config, 1)) {
      state = fresh.state();
    }
    var stream = RandomStream.of(2, "b");
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    state
        .matrices()
        .forEach(
            (name, matrix) -> {
              int count = matrix.values().length;
              long[] shape = matrix.shape().stream().mapToLong(Long::longValue).toArray();
              matrices.put(
                  name,
                  name.endsWith(LoraState.A)
                      ? matrix
                      : new LoraState.Matrix(
                          shape, stream.uniform(matrices.size(), 0, count, -0.3f, 0.3f)));
            });
    return Lora.of(network, layers, config, new LoraState(matrices));
  }

  private static double norm(float[] values) {
    return distance(values, new float[values.length]);
  }

  private static double distance(float[] a, float[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += ((double) a[i] - b[i]) * ((double) a[i] - b[i]);
    }
    return Math.sqrt(sum);
  }
}
