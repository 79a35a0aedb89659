package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class LossScaleTest {

  @Test
  void halvesAtAnOverflowAndDoublesAfterTwoThousandGoodSteps() {
    var scale = new LossScale();
    assertThat(scale.scale()).isEqualTo(65_536);
    assertThat(scale.accept(false)).isFalse();
    assertThat(scale.scale()).isEqualTo(32_768);
    for (int i = 0; i < 1_999; i++) {
      assertThat(scale.accept(true)).isTrue();
    }
    assertThat(scale.state()).isEqualTo(new LossScale.State(32_768, 1_999));
    var resumed = new LossScale(scale.state());
    resumed.accept(true);
    assertThat(resumed.state()).isEqualTo(new LossScale.State(65_536, 0));
    scale.accept(false);
    assertThat(scale.state()).isEqualTo(new LossScale.State(16_384, 0));
  }

  @Test
  void neverFallsBelowOne() {
    var scale = new LossScale(new LossScale.State(2, 5));
    scale.accept(false);
    scale.accept(false);
    scale.accept(false);
    assertThat(scale.scale()).isEqualTo(1);
  }
}
