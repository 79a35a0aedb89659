package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.models.Golden;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class LearningRateTest {
  private static final LearningRate LINEAR = new LearningRate.Linear(2, 10);
  private static final LearningRate COSINE = new LearningRate.Cosine(2, 10);
  private static final LearningRate WARMUP = new LearningRate.ConstantWithWarmup(2);

  /** As {@code diffusers.optimization.get_scheduler} gives them. */
  @ParameterizedTest
  @CsvSource({
    "0, 0, 0, 0",
    "1, 0.5, 0.5, 0.5",
    "2, 1, 1, 1",
    "4, 0.75, 0.8535533905932737, 1",
    "6, 0.5, 0.5, 1",
    "10, 0, 0, 1",
    "12, 0, 0.14644660940672627, 1"
  })
  void factors(long step, double linear, double cosine, double warmup) {
    assertThat(LINEAR.factor(step)).isCloseTo(linear, within(1e-12));
    assertThat(COSINE.factor(step)).isCloseTo(cosine, within(1e-12));
    assertThat(WARMUP.factor(step)).isCloseTo(warmup, within(1e-12));
    assertThat(new LearningRate.Constant().factor(step)).isEqualTo(1);
  }

  @Test
  void restartsAndPowersFollowThePeer() {
    for (JsonNode course : Golden.json(DenoisingLossTest.EXPECTED).get("courses")) {
      long warmup = course.get("warmup").longValue();
      long total = course.get("total").longValue();
      LearningRate rate =
          course.has("power")
              ? new LearningRate.Polynomial(
                  warmup, total, course.get("power").doubleValue(), 1e-7 / 2e-4)
              : new LearningRate.CosineWithRestarts(
                  warmup, total, course.get("num_cycles").intValue());
      JsonNode factors = course.get("factors");
      assertThat(factors.size()).isEqualTo(24);
      for (int step = 0; step < factors.size(); step++) {
        assertThat(rate.factor(step))
            .as("%s, step %d", rate, step)
            .isCloseTo(factors.get(step).doubleValue(), within(1e-8));
      }
    }
  }
}
