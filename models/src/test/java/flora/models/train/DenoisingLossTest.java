package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraGroup;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.lora.LoraTargets;
import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Prediction;
import flora.models.stablediffusion.UNet;
import flora.models.train.DenoisingLoss.Batch;
import flora.models.train.Objective.Loss;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/**
 * Losses and gradients of an adapter with two stabilized ranks, on every kind of layer, equal
 * peft's; the numbers are those of {@code tools/parity/make_training.py}.
 */
class DenoisingLossTest {
  static final Path EXPECTED = Path.of("src/test/resources/flora/models/train/expected.json");
  private static final int CASES = 4;

  @Test
  void valuesAndGradientsEqualThePeers() {
    JsonNode expected = Golden.json(EXPECTED).get("losses");
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"));
        var lora = lora(unet, names(expected))) {
      Map<String, NDArray> parameters = new HashMap<>();
      for (int i = 0; i < lora.names().size(); i++) {
        parameters.put(lora.names().get(i), lora.parameters().get(i));
      }
      List<NDArray> inOrder = names(expected).stream().map(parameters::get).toList();
      int number = 0;
      for (JsonNode each : expected.get("cases")) {
        check(unet, each, inOrder, number++ % CASES);
      }
    }
  }

  private static void check(UNet unet, JsonNode expected, List<NDArray> parameters, int from) {
    var prediction = Prediction.valueOf(expected.get("prediction").stringValue());
    NoiseSchedule schedule = schedule();
    if (expected.get("zero").booleanValue()) {
      schedule = schedule.withZeroTerminalSnr();
    }
    double c = expected.get("c").doubleValue();
    var by = Objective.Schedule.valueOf(expected.get("by").stringValue());
    Loss kind =
        switch (expected.get("kind").stringValue()) {
          case "l2" -> new Loss.L2();
          case "l1" -> new Loss.L1();
          case "huber" -> new Loss.Huber(c, by);
          default -> new Loss.SmoothL1(c, by);
        };
    Double gamma = expected.get("gamma").isNull() ? null : expected.get("gamma").doubleValue();
    var objective =
        new Objective(prediction, gamma, expected.get("offset").doubleValue(), kind, 0, 1000);
    var loss = new DenoisingLoss(unet, schedule, objective);
    try (var scope = new Scope();
        var segments = Segments.keepingAll()) {
      Batch batch = batch(unet, expected.get("timesteps"), 1);
      float[] each = loss.each(batch);
      for (int i = 0; i < each.length; i++) {
        double golden = expected.get("each").get(i).doubleValue();
        assertThat((double) each[i]).as("%s", expected).isCloseTo(golden, within(1e-5 * golden));
      }
      int id = loss.of(segments, batch);
      double golden = expected.get("loss").doubleValue();
      assertThat((double) segments.value(id).getFloat()).isCloseTo(golden, within(1e-5 * golden));
      List<NDArray> found = segments.backward(id, parameters);
      JsonNode norms = expected.get("norms");
      for (int i = 0; i < norms.size(); i++) {
        float[] gradient = found.get(from + CASES * i).toFloatArray();
        double square = 0;
        double projection = 0;
        for (int k = 0; k < gradient.length; k++) {
          square += (double) gradient[k] * gradient[k];
          projection += gradient[k] * (double) (float) Math.sin(0.71 * k + 0.3);
        }
        double norm = norms.get(i).doubleValue();
        double tolerance = 1e-3 * norm + 1e-7;
        assertThat(Math.sqrt(square)).isCloseTo(norm, within(tolerance));
        assertThat(projection)
            .isCloseTo(expected.get("projections").get(i).doubleValue(), within(tolerance));
      }
    }
  }

  @Test
  void aShareOfAStepCountsForSoMuch() {
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"));
        var lora = Lora.create(Network.UNET, unet.layers(), config(), 1);
        var scope = new Scope()) {
      var loss = new DenoisingLoss(unet, schedule(), Objective.of(schedule(), 5.0));
      JsonNode times = Golden.json(EXPECTED).get("losses").get("cases").get(0).get("timesteps");
      float whole = loss.of(batch(unet, times, 1)).getFloat();
      assertThat(loss.of(batch(unet, times, 0.25)).getFloat()).isEqualTo(whole / 4);
      float[] each = loss.each(batch(unet, times, 0.25));
      assertThat(loss.each(batch(unet, times, 1))).isEqualTo(each);
      assertThat(lora.parameters()).isNotEmpty();
    }
  }

  @Test
  void timestepsStayInTheirRange() {
    var objective = new Objective(Prediction.EPSILON, null, 0, new Loss.L2(), 200, 203);
    var stream = RandomStream.of(1, "timesteps");
    var seen = new int[3];
    for (long draw = 0; draw < 300; draw++) {
      seen[objective.timestep(stream, draw) - 200]++;
    }
    assertThat(seen[0]).isBetween(60, 140);
    assertThat(seen[1]).isBetween(60, 140);
    assertThat(seen[2]).isBetween(60, 140);
    assertThatThrownBy(() -> new Objective(Prediction.EPSILON, null, 0, new Loss.L2(), 5, 5))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("from 5 to below 5");
    assertThatThrownBy(() -> new Loss.Huber(0, Objective.Schedule.SNR))
        .isInstanceOf(IllegalArgumentException.class);
  }

  private static NoiseSchedule schedule() {
    return NoiseSchedule.of(
        ModelConfig.of(
            Path.of("scheduler_config.json"),
            """
            {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
            """));
  }

  private static Batch batch(UNet unet, JsonNode times, double share) {
    int width = unet.config().contextSizes().getFirst();
    return new Batch(
        wave(0.61, 0.2, 1, 2, 4, 8, 8),
        wave(1.3, 0.5, 1.4, 2, 4, 8, 8),
        wave(2.1, 0.4, 1, 2, 4, 1, 1),
        List.of(times.get(0).intValue(), times.get(1).intValue()),
        wave(0.83, 0.1, 1, 2, 7, width),
        share);
  }

  private static LoraConfig config() {
    return new LoraConfig(
        List.of(
            new LoraGroup(List.of(LoraTargets.TRANSFORMER, LoraTargets.CONVOLUTIONS), 4, 2),
            new LoraGroup(List.of(LoraTargets.KERNELS), 2, 1)),
        0,
        true);
  }

  private static Lora lora(UNet unet, List<String> names) {
    LoraState fresh;
    try (var lora = Lora.create(Network.UNET, unet.layers(), config(), 1)) {
      assertThat(lora.names()).containsExactlyInAnyOrderElementsOf(names);
      fresh = lora.state();
    }
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    fresh
        .matrices()
        .forEach(
            (name, matrix) -> {
              long[] shape = matrix.shape().stream().mapToLong(Long::longValue).toArray();
              float[] values = values(matrix.values().length, 0.37, 0.01 * name.length(), 0.1);
              matrices.put(name, new LoraState.Matrix(shape, values));
            });
    return Lora.of(Network.UNET, unet.layers(), config(), new LoraState(matrices));
  }

  private static List<String> names(JsonNode losses) {
    return losses.get("parameters").valueStream().map(JsonNode::stringValue).toList();
  }

  private static NDArray wave(double a, double b, double s, long... shape) {
    int count = 1;
    for (long extent : shape) {
      count *= Math.toIntExact(extent);
    }
    return Aten.of(values(count, a, b, s), shape);
  }

  private static float[] values(int count, double a, double b, double s) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (s * Math.sin(a * i + b));
    }
    return values;
  }
}
