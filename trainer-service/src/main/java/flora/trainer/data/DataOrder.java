package flora.trainer.data;

import flora.models.random.RandomStream;
import flora.schemas.dataset.Bucket;
import flora.trainer.data.SampleList.Sample;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Which picture is seen in which optimizer step, as a pure function of the step: nothing is carried
 * along, so that a resumed run needs only the number of steps done.
 *
 * <p>Every epoch shows each sample once in a new order. A batch holds pictures of one bucket, its
 * last one may be smaller, and batches of several buckets come mixed. The counts are those of
 * diffusers' {@code train_text_to_image_lora.py} and of kohya's sd-scripts in one process: the last
 * optimizer step of an epoch may have fewer batches.
 */
public final class DataOrder {

  private final RandomStream stream;
  private final RandomStream mixed;
  private final int samples;
  private final int batchSize;
  private final int accumulation;
  private final long batchesPerEpoch;

  /** The samples of each bucket, in their order. */
  private final SortedMap<Bucket, List<Sample>> buckets = new TreeMap<>();

  private long knownEpoch = -1;
  private List<Batch> known = List.of();

  /**
   * One showing of a picture.
   *
   * @param number of the showing, another one for each of the run; what is random about it hangs on
   *     this number and not on how pictures are put into batches
   * @param epoch counted from 0
   * @param picture index in the dataset
   */
  public record Draw(long number, long epoch, int picture) {}

  /**
   * Pictures that are computed together.
   *
   * @param bucket what they are cut to
   * @param draws at least one
   */
  public record Batch(Bucket bucket, List<Draw> draws) {
    public Batch {
      draws = List.copyOf(draws);
    }
  }

  /** An order over samples, at least one. */
  public DataOrder(long seed, List<Sample> samples, int batchSize, int accumulation) {
    if (samples.isEmpty() || batchSize < 1 || accumulation < 1) {
      throw new IllegalArgumentException(
          "samples, batch size and accumulation must be at least 1: %d, %d, %d"
              .formatted(samples.size(), batchSize, accumulation));
    }
    this.stream = RandomStream.of(seed, "order");
    this.mixed = RandomStream.of(seed, "batches");
    this.samples = samples.size();
    this.batchSize = batchSize;
    this.accumulation = accumulation;
    for (var sample : samples) {
      buckets.computeIfAbsent(sample.bucket(), _ -> new ArrayList<>()).add(sample);
    }
    this.batchesPerEpoch =
        buckets.values().stream().mapToLong(list -> Math.ceilDiv(list.size(), batchSize)).sum();
  }

  /** Optimizer steps in one pass over the dataset. */
  public long stepsPerEpoch() {
    return Math.ceilDiv(batchesPerEpoch, accumulation);
  }

  /** Optimizer steps in that many passes. */
  public long steps(int epochs) {
    return Math.multiplyExact(stepsPerEpoch(), (long) epochs);
  }

  /** The batches of an optimizer step, counted from 0. */
  public List<Batch> batches(long step) {
    var epoch = epoch(step / stepsPerEpoch());
    int from = Math.toIntExact(step % stepsPerEpoch() * accumulation);
    return epoch.subList(from, Math.min(epoch.size(), from + accumulation));
  }

  private synchronized List<Batch> epoch(long epoch) {
    if (epoch != knownEpoch) {
      known = shuffled(epoch);
      knownEpoch = epoch;
    }
    return known;
  }

  private List<Batch> shuffled(long epoch) {
    var batches = new ArrayList<Batch>();
    long number = epoch * samples;
    int index = 0;
    for (var bucket : buckets.entrySet()) {
      var list = bucket.getValue();
      int[] order = stream.permutation(list.size(), epoch, index++);
      for (int start = 0; start < order.length; start += batchSize) {
        var draws = new ArrayList<Draw>();
        for (int i = start; i < Math.min(order.length, start + batchSize); i++) {
          draws.add(new Draw(number++, epoch, list.get(order[i]).picture()));
        }
        batches.add(new Batch(bucket.getKey(), draws));
      }
    }
    if (buckets.size() == 1) {
      return List.copyOf(batches);
    }
    var order = mixed.permutation(batches.size(), epoch);
    return Arrays.stream(order).mapToObj(batches::get).toList();
  }
}
