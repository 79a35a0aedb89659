package flora.trainer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class JournalTest {

  @Test
  void threeTimesTheRateIsHalved() {
    var journal = Journal.NONE;
    for (double rate : new double[] {0.5, 0.25, 0.125}) {
      journal = journal.rolledBack().orElseThrow();
      assertThat(journal.rateFactor()).isEqualTo(rate);
    }
    assertThat(journal.rolledBack()).isEmpty();
  }
}
