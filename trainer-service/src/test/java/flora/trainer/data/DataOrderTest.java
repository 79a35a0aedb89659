package flora.trainer.data;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.dataset.Bucket;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.SampleList.Sample;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
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
    var order = new DataOrder(1, squares(pictures), batch, accumulation);

    assertThat(order.stepsPerEpoch()).isEqualTo(steps);
    assertThat(order.steps(3)).isEqualTo(3 * steps);
  }

  @Test
  void everyEpochShowsEachPictureOnceInANewOrder() {
    var order = new DataOrder(1, squares(21), 4, 4);

    var first = epoch(order, 0);
    var second = epoch(order, 1);

    assertThat(pictures(first)).containsExactlyInAnyOrderElementsOf(range(21));
    assertThat(pictures(second)).containsExactlyInAnyOrderElementsOf(range(21));
    assertThat(pictures(second)).isNotEqualTo(pictures(first));
  }

  @Test
  void lastBatchAndLastStepOfAnEpochMayBeSmaller() {
    var order = new DataOrder(1, squares(21), 4, 4);

    assertThat(order.batches(0)).extracting(DataOrderTest::size).containsExactly(4, 4, 4, 4);
    assertThat(order.batches(1)).extracting(DataOrderTest::size).containsExactly(4, 1);
    assertThat(order.batches(2)).extracting(DataOrderTest::size).containsExactly(4, 4, 4, 4);
  }

  @Test
  void numbersCountThroughTheWholeRun() {
    var order = new DataOrder(1, squares(21), 4, 4);

    var numbers = new ArrayList<Long>();
    for (int epoch = 0; epoch < 3; epoch++) {
      epoch(order, epoch).forEach(draw -> numbers.add(draw.number()));
    }

    assertThat(numbers).isEqualTo(IntStream.range(0, 63).mapToObj(i -> (long) i).toList());
  }

  @Test
  void aDrawDoesNotHangOnTheBatchSize() {
    var large = new DataOrder(9, squares(10), 5, 1);
    var small = new DataOrder(9, squares(10), 1, 5);

    assertThat(epoch(small, 4)).isEqualTo(epoch(large, 4));
  }

  @Test
  void anyStepCanBeAskedForFirst() {
    var inOrder = new DataOrder(5, squares(11), 2, 2);
    var expected = IntStream.range(0, 30).mapToObj(inOrder::batches).toList();

    assertThat(new DataOrder(5, squares(11), 2, 2).batches(29)).isEqualTo(expected.get(29));
    assertThat(new DataOrder(5, squares(11), 2, 2).batches(7)).isEqualTo(expected.get(7));
  }

  @Test
  void anotherSeedIsAnotherOrder() {
    assertThat(pictures(epoch(new DataOrder(1, squares(50), 1, 1), 0)))
        .isNotEqualTo(pictures(epoch(new DataOrder(2, squares(50), 1, 1), 0)));
  }

  @Test
  void rejectsAnEmptyDataset() {
    assertThatThrownBy(() -> new DataOrder(1, squares(0), 1, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("at least 1");
  }

  /** Whoever trains again with an old request sees the pictures in the old order. */
  @Test
  void anOrderOfOneBucketStaysAsItIs() {
    var order = new DataOrder(42, squares(7), 2, 2);

    assertThat(pictures(epoch(order, 0))).containsExactly(3, 0, 2, 5, 6, 4, 1);
    assertThat(pictures(epoch(order, 1))).containsExactly(4, 0, 3, 6, 5, 2, 1);
  }

  @Test
  void aBatchHoldsPicturesOfOneBucket() {
    for (int batchSize = 1; batchSize < 6; batchSize++) {
      var order = new DataOrder(3, mixed(23), batchSize, 2);

      for (int epoch = 0; epoch < 3; epoch++) {
        var batches = batches(order, epoch);
        assertThat(batches)
            .allSatisfy(
                batch ->
                    assertThat(batch.draws())
                        .isNotEmpty()
                        .allSatisfy(
                            draw ->
                                assertThat(mixed(23).get(draw.picture()).bucket())
                                    .isEqualTo(batch.bucket())));
        assertThat(pictures(epoch(order, epoch))).containsExactlyInAnyOrderElementsOf(range(23));
      }
    }
  }

  @Test
  void onlyTheLastBatchOfABucketIsSmaller() {
    var order = new DataOrder(3, mixed(23), 4, 1);

    var sizes = new TreeMap<Bucket, List<Integer>>();
    batches(order, 1)
        .forEach(
            batch ->
                sizes.computeIfAbsent(batch.bucket(), _ -> new ArrayList<>()).add(size(batch)));

    assertThat(sizes.values())
        .allSatisfy(
            each ->
                assertThat(each.stream().filter(n -> n < 4).toList()).hasSizeLessThanOrEqualTo(1));
    assertThat(order.stepsPerEpoch()).isEqualTo(2 + 2 + 2);
  }

  @Test
  void batchesOfSeveralBucketsComeMixedAndAnewEachEpoch() {
    var order = new DataOrder(3, mixed(60), 2, 1);

    var first = batches(order, 0).stream().map(DataOrder.Batch::bucket).toList();
    var second = batches(order, 1).stream().map(DataOrder.Batch::bucket).toList();

    assertThat(first).isNotEqualTo(first.stream().sorted().toList()).isNotEqualTo(second);
    assertThat(first).containsExactlyInAnyOrderElementsOf(second);
  }

  @Test
  void noNumberComesTwiceInARun() {
    var order = new DataOrder(3, mixed(23), 4, 3);

    var numbers = new ArrayList<Long>();
    for (int epoch = 0; epoch < 3; epoch++) {
      for (var draw : epoch(order, epoch)) {
        numbers.add(draw.number());
        assertThat(draw.epoch()).isEqualTo(epoch);
      }
    }

    assertThat(numbers.stream().sorted().toList())
        .isEqualTo(IntStream.range(0, 69).mapToObj(i -> (long) i).toList());
  }

  @Test
  void aNumberOfAMixedOrderDoesNotHangOnTheBatchSizeEither() {
    var large = epoch(new DataOrder(9, mixed(23), 7, 1), 2);
    var small = epoch(new DataOrder(9, mixed(23), 1, 4), 2);

    assertThat(large).containsExactlyInAnyOrderElementsOf(small).isNotEqualTo(small);
  }

  @Test
  void aSampleThatIsRepeatedIsShownAsOften() {
    var samples = new ArrayList<>(squares(5));
    samples.addAll(List.of(samples.get(2), samples.get(2)));

    var shown = pictures(epoch(new DataOrder(1, samples, 2, 2), 0));

    assertThat(shown).containsExactlyInAnyOrder(0, 1, 2, 2, 2, 3, 4);
  }

  private static List<DataOrder.Batch> batches(DataOrder order, int epoch) {
    var batches = new ArrayList<DataOrder.Batch>();
    for (long i = 0; i < order.stepsPerEpoch(); i++) {
      batches.addAll(order.batches(epoch * order.stepsPerEpoch() + i));
    }
    return batches;
  }

  private static int size(DataOrder.Batch batch) {
    return batch.draws().size();
  }

  private static List<Sample> squares(int n) {
    return IntStream.range(0, n).mapToObj(i -> new Sample(i, new Bucket(64, 64))).toList();
  }

  /** Every third picture is of another shape. */
  private static List<Sample> mixed(int n) {
    return IntStream.range(0, n)
        .mapToObj(i -> new Sample(i, new Bucket(64 + 32 * (i % 3), 64)))
        .toList();
  }

  private static List<Draw> epoch(DataOrder order, int epoch) {
    var draws = new ArrayList<Draw>();
    for (long i = 0; i < order.stepsPerEpoch(); i++) {
      order
          .batches(epoch * order.stepsPerEpoch() + i)
          .forEach(batch -> draws.addAll(batch.draws()));
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
