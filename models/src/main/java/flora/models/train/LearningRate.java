package flora.models.train;

/**
 * The course of the learning rate as a factor between 0 and 1, a pure function of the optimizer
 * step, counted from 0; the same as diffusers' {@code get_scheduler}.
 */
public sealed interface LearningRate {

  /** The factor for a step. */
  double factor(long step);

  /** Always 1. */
  record Constant() implements LearningRate {
    @Override
    public double factor(long step) {
      return 1;
    }
  }

  /** Rises linearly from 0 over {@code warmup} steps, then stays. */
  record ConstantWithWarmup(long warmup) implements LearningRate {
    @Override
    public double factor(long step) {
      return step < warmup ? ratio(step, warmup) : 1;
    }
  }

  /** Rises linearly over {@code warmup} steps, then falls linearly to 0 at {@code total}. */
  record Linear(long warmup, long total) implements LearningRate {
    @Override
    public double factor(long step) {
      return step < warmup ? ratio(step, warmup) : Math.max(0, ratio(total - step, total - warmup));
    }
  }

  /** Rises linearly over {@code warmup} steps, then follows half a cosine to 0 at {@code total}. */
  record Cosine(long warmup, long total) implements LearningRate {
    @Override
    public double factor(long step) {
      if (step < warmup) {
        return ratio(step, warmup);
      }
      double progress = ratio(step - warmup, total - warmup);
      return Math.max(0, 0.5 * (1 + Math.cos(Math.PI * progress)));
    }
  }

  /** {@link Cosine}, but {@code cycles} times from 1 to 0. */
  record CosineWithRestarts(long warmup, long total, int cycles) implements LearningRate {
    @Override
    public double factor(long step) {
      if (step < warmup) {
        return ratio(step, warmup);
      }
      double progress = ratio(step - warmup, total - warmup);
      return progress >= 1
          ? 0
          : Math.max(0, 0.5 * (1 + Math.cos(Math.PI * ((cycles * progress) % 1))));
    }
  }

  /**
   * Rises linearly over {@code warmup} steps, then falls to {@code end} at {@code total} with a
   * power of what remains, and stays there.
   *
   * @param end a share of the rate
   */
  record Polynomial(long warmup, long total, double power, double end) implements LearningRate {

    /** The rate that diffusers ends at. */
    public static final double LAST = 1e-7;

    @Override
    public double factor(long step) {
      if (step < warmup) {
        return ratio(step, warmup);
      }
      double remaining = step > total ? 0 : 1 - ratio(step - warmup, total - warmup);
      return (1 - end) * Math.pow(remaining, power) + end;
    }
  }

  private static double ratio(long part, long whole) {
    return (double) part / Math.max(1, whole);
  }
}
