package flora.trainer.checkpoint;

import java.util.ArrayDeque;
import java.util.List;

/** The means of the loss that are told: over the last steps, and since the checkpoint before. */
public final class LossLog {

  private static final int RECENT = 50;

  private final ArrayDeque<Double> recent = new ArrayDeque<>();
  private double sum;
  private long count;

  /** A log without entries. */
  public LossLog() {}

  /** Goes on where a checkpoint was saved. */
  public LossLog(List<Double> recent) {
    this.recent.addAll(recent);
  }

  /** Adds the loss of a step. */
  public void add(double loss) {
    recent.addLast(loss);
    if (recent.size() > RECENT) {
      recent.removeFirst();
    }
    sum += loss;
    count++;
  }

  /** The losses of the last steps, at most fifty, oldest first. */
  public List<Double> recent() {
    return List.copyOf(recent);
  }

  /** Mean of {@link #recent}; 0 when there is none. */
  public double recentMean() {
    return recent.stream().mapToDouble(Double::doubleValue).average().orElse(0);
  }

  /** Sum since the checkpoint before. */
  public double sum() {
    return sum;
  }

  /** Steps since the checkpoint before. */
  public long count() {
    return count;
  }

  /** Begins anew after a checkpoint. */
  public void checkpointSaved() {
    sum = 0;
    count = 0;
  }
}
