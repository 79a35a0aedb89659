package flora.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.trainer.data.DataOrder.Draw;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class DataOrderTest {

  /** ceil(ceil(pictures / batch) / accumulation), as diffusers counts. */
  @ParameterizedTest
  @CsvSource({
    "20, 1, 1, 20",
    "20, 4, 1, 5",
    "21, 4, 1, 6",
    "21, 4, 4, 2",
    "3, 8, 4, 1",
    "7, 2, 3, 2"
  })
  void countsStepsAsDiffusersDoes(int pictures, int batch, int accumulation, long steps) {
    var order = new DataOrder(1, pictures, batch, accumulation);

    assertThat(order.stepsPerEpoch()).isEqualTo(steps);
    assertThat(order.steps(3)).isEqualTo(3 * steps);
  }

  @Test
  void everyEpochShowsEachPictureOnceInANewOrder() {
    var order = new DataOrder(1, 21, 4, 4);

    var first = epoch(order, 0);
    var second = epoch(order, 1);

    assertThat(pictures(first)).containsExactlyInAnyOrderElementsOf(range(21));
    assertThat(pictures(second)).containsExactlyInAnyOrderElementsOf(range(21));
    assertThat(pictures(second)).isNotEqualTo(pictures(first));
  }

  @Test
  void lastBatchAndLastStepOfAnEpochMayBeSmaller() {
    var order = new DataOrder(1, 21, 4, 4);

    assertThat(order.microBatches(0)).extracting(List::size).containsExactly(4, 4, 4, 4);
    assertThat(order.microBatches(1)).extracting(List::size).containsExactly(4, 1);
    assertThat(order.microBatches(2)).extracting(List::size).containsExactly(4, 4, 4, 4);
  }

  @Test
  void numbersCountThroughTheWholeRun() {
    var order = new DataOrder(1, 21, 4, 4);

    var numbers = new ArrayList<Long>();
    for (int epoch = 0; epoch < 3; epoch++) {
      epoch(order, epoch).forEach(draw -> numbers.add(draw.number()));
    }

    assertThat(numbers).isEqualTo(IntStream.range(0, 63).mapToObj(i -> (long) i).toList());
  }

  @Test
  void aDrawDoesNotHangOnTheBatchSize() {
    var large = new DataOrder(9, 10, 5, 1);
    var small = new DataOrder(9, 10, 1, 5);

    assertThat(epoch(small, 4)).isEqualTo(epoch(large, 4));
  }

  @Test
  void anyStepCanBeAskedForFirst() {
    var inOrder = new DataOrder(5, 11, 2, 2);
    var expected = IntStream.range(0, 30).mapToObj(inOrder::microBatches).toList();

    assertThat(new DataOrder(5, 11, 2, 2).microBatches(29)).isEqualTo(expected.get(29));
    assertThat(new DataOrder(5, 11, 2, 2).microBatches(7)).isEqualTo(expected.get(7));
  }

  @Test
  void anotherSeedIsAnotherOrder() {
    assertThat(pictures(epoch(new DataOrder(1, 50, 1, 1), 0)))
        .isNotEqualTo(pictures(epoch(new DataOrder(2, 50, 1, 1), 0)));
  }

  @Test
  void rejectsAnEmptyDataset() {
    assertThatThrownBy(() -> new DataOrder(1, 0, 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1");
  }

  private static List<Draw> epoch(DataOrder order, int epoch) {
    var draws = new ArrayList<Draw>();
    for (long i = 0; i < order.stepsPerEpoch(); i++) {
      order.microBatches(epoch * order.stepsPerEpoch() + i).forEach(draws::addAll);
    }
    return draws;
  }

  private static List<Integer> pictures(List<Draw> draws) {
    return draws.stream().map(Draw::picture).toList();
  }

  private static List<Integer> range(int n) {
    return IntStream.range(0, n).boxed().toList();
  }
}
