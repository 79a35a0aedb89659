package flora.trainer.data;

import flora.models.random.RandomStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Which picture is seen in which optimizer step, as a pure function of the step: nothing is carried
 * along, so that a resumed run needs only the number of steps done.
 *
 * <p>The counts are those of diffusers' {@code train_text_to_image_lora.py} in one process: every
 * epoch shows each picture once in a new order, its last batch may be smaller, and its last
 * optimizer step may have fewer batches.
 */
public final class DataOrder {

  private final RandomStream stream;
  private final int pictures;
  private final int batchSize;
  private final int accumulation;

  private long shuffledEpoch = -1;
  private int[] shuffled = {};

  /**
   * One showing of a picture.
   *
   * @param number counts all showings of the run from 0; what is random about it hangs on this
   *     number and not on how pictures are put into batches
   * @param picture index in the dataset
   */
  public record Draw(long number, int picture) {}

  /** An order over {@code pictures} pictures, at least one. */
  public DataOrder(long seed, int pictures, int batchSize, int accumulation) {
    if (pictures < 1 || batchSize < 1 || accumulation < 1) {
      throw new IllegalArgumentException(
          "pictures, batch size and accumulation must be at least 1: %d, %d, %d"
              .formatted(pictures, batchSize, accumulation));
    }
    this.stream = RandomStream.of(seed, "order");
    this.pictures = pictures;
    this.batchSize = batchSize;
    this.accumulation = accumulation;
  }

  /** Optimizer steps in one pass over the dataset. */
  public long stepsPerEpoch() {
    return Math.ceilDiv(Math.ceilDiv((long) pictures, batchSize), accumulation);
  }

  /** Optimizer steps in that many passes. */
  public long steps(int epochs) {
    return Math.multiplyExact(stepsPerEpoch(), (long) epochs);
  }

  /** The micro-batches of an optimizer step, counted from 0; each holds at least one picture. */
  public List<List<Draw>> microBatches(long step) {
    long epoch = step / stepsPerEpoch();
    long perStep = (long) batchSize * accumulation;
    int from = Math.toIntExact(step % stepsPerEpoch() * perStep);
    int to = (int) Math.min(pictures, from + perStep);
    int[] order = order(epoch);
    var batches = new ArrayList<List<Draw>>();
    for (int start = from; start < to; start += batchSize) {
      var batch = new ArrayList<Draw>();
      for (int i = start; i < Math.min(to, start + batchSize); i++) {
        batch.add(new Draw(epoch * pictures + i, order[i]));
      }
      batches.add(List.copyOf(batch));
    }
    return List.copyOf(batches);
  }

  private synchronized int[] order(long epoch) {
    if (epoch != shuffledEpoch) {
      shuffled = stream.permutation(pictures, epoch);
      shuffledEpoch = epoch;
    }
    return shuffled;
  }
}
