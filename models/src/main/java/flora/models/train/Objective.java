package flora.models.train;

import flora.models.random.RandomStream;
import flora.models.scheduler.NoiseSchedule;
import flora.models.scheduler.Prediction;
import org.jspecify.annotations.Nullable;

/**
 * What a denoiser is trained to do, and how its distance from that is measured.
 *
 * @param prediction what it answers
 * @param snrGamma limit of the weight by signal-to-noise ratio (<a
 *     href="https://arxiv.org/abs/2303.09556">Hang et al.</a>); null = every timestep weighs the
 *     same
 * @param noiseOffset how much of a constant of each channel is mixed into the noise, 0 = none
 * @param minTimestep the least noise that is trained
 * @param maxTimestep beyond the most, at most the schedule's steps
 */
public record Objective(
    Prediction prediction,
    @Nullable Double snrGamma,
    double noiseOffset,
    Loss loss,
    int minTimestep,
    int maxTimestep) {

  /** A distance between two values; the formulas are sd-scripts'. */
  public sealed interface Loss {
    /** {@code d²}. */
    record L2() implements Loss {}

    /** {@code |d|}. */
    record L1() implements Loss {}

    /** {@code 2c·(√(d² + c²) − c)}: d² near 0, growing by 2c far out. */
    record Huber(double c, Schedule schedule) implements Loss {
      public Huber {
        requireThreshold(c);
      }
    }

    /** {@code 2·(√(d² + c²) − c)}: d²/c near 0, growing by 2 far out. */
    record SmoothL1(double c, Schedule schedule) implements Loss {
      public SmoothL1 {
        requireThreshold(c);
      }
    }
  }

  /** How c depends on the timestep. */
  public enum Schedule {
    /** Not at all. */
    CONSTANT,
    /** From 1 without noise to c at the end, evenly in log. */
    EXPONENTIAL,
    /** {@code (1 − c)/(1 + σ)² + c}. */
    SNR
  }

  public Objective {
    if (minTimestep < 0 || minTimestep >= maxTimestep) {
      throw new IllegalArgumentException(
          "timesteps from %d to below %d; expected 0 or more, and one at least"
              .formatted(minTimestep, maxTimestep));
    }
  }

  /** That of diffusers' script: the squared distance, over all timesteps. */
  public static Objective of(NoiseSchedule schedule, @Nullable Double snrGamma) {
    return new Objective(schedule.prediction(), snrGamma, 0, new Loss.L2(), 0, schedule.steps());
  }

  /** The same with every timestep of the same weight, and no offset. */
  public Objective unweighted() {
    return new Objective(prediction, null, 0, loss, minTimestep, maxTimestep);
  }

  /** The timestep at a share of the range, from 0 to below 1. */
  public int timestep(double share) {
    return minTimestep + (int) (share * (maxTimestep - minTimestep));
  }

  /** The timestep of a draw, each of the range as likely. */
  public int timestep(RandomStream stream, long draw) {
    return minTimestep + stream.below(maxTimestep - minTimestep, draw, 0);
  }

  /** The c of a timestep. */
  static double threshold(double c, Schedule by, NoiseSchedule noise, int timestep) {
    return switch (by) {
      case CONSTANT -> c;
      case EXPONENTIAL -> Math.exp(Math.log(c) * timestep / noise.steps());
      case SNR -> {
        double sigma = 1 / Math.sqrt(noise.snr(timestep));
        yield (1 - c) / ((1 + sigma) * (1 + sigma)) + c;
      }
    };
  }

  private static void requireThreshold(double c) {
    if (!(c > 0 && Double.isFinite(c))) {
      throw new IllegalArgumentException("c of a loss is " + c + ", expected above 0");
    }
  }
}
