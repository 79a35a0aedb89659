package flora.trainer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JudgedTest {

  @Test
  void remembersTheLeastLossAndHowLongAgoItWas() {
    var judged = Judged.after(null, 10, 0.5);
    judged = Judged.after(judged, 20, 0.4);
    judged = Judged.after(judged, 30, 0.6);
    judged = Judged.after(judged, 40, 0.45);

    assertThat(judged).isEqualTo(new Judged(20, 0.4, 2));
    assertThat(Judged.after(judged, 50, 0.39)).isEqualTo(new Judged(50, 0.39, 0));
  }

  @Test
  void theSameLossIsNoDrop() {
    assertThat(Judged.after(new Judged(1, 0.5, 0), 2, 0.5)).isEqualTo(new Judged(1, 0.5, 1));
  }

  @Test
  void patienceEndsAndZeroNeverDoes() {
    var judged = new Judged(1, 0.5, 3);

    assertThat(judged.isHopeless(3)).isTrue();
    assertThat(judged.isHopeless(4)).isFalse();
    assertThat(judged.isHopeless(0)).isFalse();
  }
}
