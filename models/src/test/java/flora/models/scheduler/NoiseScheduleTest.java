package flora.models.scheduler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import flora.models.Golden;
import flora.models.ModelException.Unsupported;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class NoiseScheduleTest {

  private static final float[] CLEAN = {1.2f, -0.4f, 0.05f, 2.1f, -1.7f, 0.6f};
  private static final float[] NOISE = {0.6f, -1.7f, 2.1f, 0.05f, -0.4f, 1.2f};

  static Stream<JsonNode> schedules() {
    return StreamSupport.stream(
        Golden.json(SamplerTest.EXPECTED).get("schedules").spliterator(), false);
  }

  private static void assertClose(float actual, JsonNode expected, double absolute) {
    double golden = expected.doubleValue();
    assertThat((double) actual).isCloseTo(golden, within(absolute + 2e-6 * Math.abs(golden)));
  }

  @ParameterizedTest
  @MethodSource("schedules")
  void equalsThePeers(JsonNode expected) {
    var schedule = NoiseSchedule.of(SamplerTest.config(expected.get("config").toString()));

    // PyTorch's vectorised square root is off by a bit here and there, and 1 - x magnifies that
    boolean rescaled = expected.get("config").has("rescale_betas_zero_snr");

    for (int i = 0; i < expected.get("timesteps").size(); i++) {
      int t = expected.get("timesteps").get(i).intValue();
      assertClose(schedule.betas()[t], expected.get("betas").get(i), rescaled ? 3e-7 : 1e-8);
      assertClose(schedule.alphasCumprod()[t], expected.get("alphas_cumprod").get(i), 1e-8);
      assertClose(schedule.snr(t), expected.get("snr").get(i), 1e-8);
      float[] noisy = schedule.addNoise(CLEAN, NOISE, t);
      float[] velocity = schedule.velocity(CLEAN, NOISE, t);
      for (int k = 0; k < CLEAN.length; k++) {
        assertThat(noisy[k])
            .isCloseTo(expected.get("noisy").get(i * CLEAN.length + k).floatValue(), within(1e-6f));
        assertThat(velocity[k])
            .isCloseTo(
                expected.get("velocity").get(i * CLEAN.length + k).floatValue(), within(1e-6f));
      }
    }
  }

  @Test
  void theTargetIsWhatTheNetworkPredicts() {
    var epsilon = NoiseSchedule.of(SamplerTest.config("{}"));
    var sample = NoiseSchedule.of(SamplerTest.config("{'prediction_type':'sample'}"));
    var velocity = NoiseSchedule.of(SamplerTest.config("{'prediction_type':'v_prediction'}"));

    assertThat(epsilon.target(CLEAN, NOISE, 5)).isEqualTo(NOISE);
    assertThat(sample.target(CLEAN, NOISE, 5)).isEqualTo(CLEAN);
    assertThat(velocity.target(CLEAN, NOISE, 5)).isEqualTo(velocity.velocity(CLEAN, NOISE, 5));
  }

  @Test
  void refusesAFlowModelByName() {
    var config = SamplerTest.config("{'_class_name':'FlowMatchEulerDiscreteScheduler'}");

    assertThatThrownBy(() -> NoiseSchedule.of(config))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("FlowMatchEulerDiscreteScheduler");
  }
}
