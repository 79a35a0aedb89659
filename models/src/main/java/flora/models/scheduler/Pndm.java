package flora.models.scheduler;

import flora.models.ModelConfig;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import org.jspecify.annotations.Nullable;

/**
 * Pseudo linear multistep, with or without the Runge-Kutta warm-up (<a
 * href="https://arxiv.org/abs/2202.09778">Liu et al. 2022</a>), equal to diffusers' PNDMScheduler.
 */
final class Pndm implements Sampler {

  private static final int ORDER = 4;

  private final float[] alphasCumprod;
  private final double finalAlpha;
  private final boolean velocity;
  private final int stride;
  private final double[] warmUp;
  private final double[] timesteps;

  /** The last outputs, the newest first. */
  private final Deque<float[]> outputs = new ArrayDeque<>();

  private float @Nullable [] kept;
  private float @Nullable [] sum;

  Pndm(ModelConfig config, int steps) {
    Prediction prediction = Prediction.of(config);
    if (prediction == Prediction.SAMPLE) {
      throw config.unsupported("prediction_type", "PNDM takes epsilon or v_prediction");
    }
    velocity = prediction == Prediction.VELOCITY;
    float[] betas = Betas.of(config);
    int total = betas.length;
    alphasCumprod = Betas.cumulative(betas);
    finalAlpha = config.flag("set_alpha_to_one", false) ? 1 : alphasCumprod[0];
    stride = total / steps;
    double[] visited =
        switch (Spacing.of(config, Spacing.LEADING)) {
          case LEADING -> Spacing.leading(stride, steps, config.integer("steps_offset", 0));
          case LINSPACE -> Spacing.rounded(Spacing.descending(total - 1, steps));
          case TRAILING -> Spacing.trailing(total, total, steps);
        };
    if (visited[0] >= total) {
      throw config.unsupported(
          "steps_offset", "it moves the first of %d steps beyond the schedule".formatted(steps));
    }
    boolean multistepOnly = config.flag("skip_prk_steps", false);
    if (!multistepOnly && steps < ORDER) {
      throw config.unsupported("skip_prk_steps", "the warm-up needs at least 4 steps");
    }
    warmUp = multistepOnly ? new double[0] : warmUp(visited);
    timesteps = multistepOnly ? secondTwice(visited) : joined(warmUp, visited);
  }

  /** The second timestep is visited twice: the first step is a Heun step. */
  private static double[] secondTwice(double[] visited) {
    if (visited.length < 2) {
      return visited;
    }
    double[] all = new double[visited.length + 1];
    System.arraycopy(visited, 0, all, 0, 2);
    System.arraycopy(visited, 1, all, 2, visited.length - 1);
    return all;
  }

  /** Four visits for each of three intervals: at its start, twice at half, at its end. */
  private double[] warmUp(double[] visited) {
    int half = stride / 2;
    double[] doubled = new double[2 * ORDER];
    for (int i = 0; i < ORDER; i++) {
      double t = visited[ORDER - 1 - i];
      doubled[2 * i] = t;
      doubled[2 * i + 1] = t + half;
    }
    double[] all = new double[2 * (doubled.length - 1) - 2];
    for (int i = 0; i < all.length; i++) {
      all[all.length - 1 - i] = doubled[(i + 1) / 2];
    }
    return all;
  }

  private static double[] joined(double[] warmUp, double[] visited) {
    double[] rest = Arrays.copyOfRange(visited, ORDER - 1, visited.length);
    double[] all = Arrays.copyOf(warmUp, warmUp.length + rest.length);
    System.arraycopy(rest, 0, all, warmUp.length, rest.length);
    return all;
  }

  @Override
  public int steps() {
    return timesteps.length;
  }

  @Override
  public double timestep(int step) {
    return timesteps[step];
  }

  @Override
  public double initialSigma() {
    return 1;
  }

  @Override
  public double inputScale(int step) {
    return 1;
  }

  @Override
  public float[] step(int step, float[] output, float[] sample) {
    return step < warmUp.length
        ? rungeKutta(step, output, sample)
        : multistep(step, output, sample);
  }

  private float[] rungeKutta(int step, float[] output, float[] sample) {
    int stage = step % 4;
    int next = (int) timesteps[step] - (step % 2 == 1 ? 0 : stride / 2);
    int from = (int) warmUp[step - stage];
    float[] direction = output;
    switch (stage) {
      case 0 -> {
        sum = combined(output, 1 / 6.0, sum, 1);
        remember(output);
        kept = sample;
      }
      case 1, 2 -> sum = combined(output, 1 / 3.0, sum, 1);
      default -> {
        direction = combined(output, 1 / 6.0, sum, 1);
        sum = null;
      }
    }
    return moved(kept == null ? sample : kept, from, next, direction);
  }

  private float[] multistep(int step, float[] output, float[] sample) {
    int from = (int) timesteps[step];
    int next = from - stride;
    float[] start = sample;
    boolean second = step == 1 && warmUp.length == 0;
    if (second) {
      next = from;
      from += stride;
    } else {
      remember(output);
    }
    Iterator<float[]> past = outputs.iterator();
    float[] direction;
    if (second) {
      direction = combined(output, 0.5, past.next(), 0.5);
      start = kept == null ? sample : kept;
      kept = null;
    } else {
      direction =
          switch (outputs.size()) {
            case 1 -> {
              kept = sample;
              yield output;
            }
            case 2 -> weighted(past, 3 / 2.0, -1 / 2.0);
            case 3 -> weighted(past, 23 / 12.0, -16 / 12.0, 5 / 12.0);
            default -> weighted(past, 55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0);
          };
    }
    return moved(start, from, next, direction);
  }

  private void remember(float[] output) {
    outputs.addFirst(output);
    if (outputs.size() > ORDER) {
      outputs.removeLast();
    }
  }

  /** Formula (9) of the paper. */
  private float[] moved(float[] sample, int from, int next, float[] output) {
    double alpha = alphasCumprod[from];
    double nextAlpha = next >= 0 ? alphasCumprod[next] : finalAlpha;
    double scale = Math.sqrt(nextAlpha / alpha);
    double divisor = alpha * Math.sqrt(1 - nextAlpha) + Math.sqrt(alpha * (1 - alpha) * nextAlpha);
    double rate = (nextAlpha - alpha) / divisor;
    double signal = velocity ? Math.sqrt(alpha) : 1;
    double noise = velocity ? Math.sqrt(1 - alpha) : 0;
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      double epsilon = signal * output[i] + noise * sample[i];
      result[i] = (float) (scale * sample[i] - rate * epsilon);
    }
    return result;
  }

  private static float[] weighted(Iterator<float[]> past, double... weights) {
    float[] result = combined(past.next(), weights[0], null, 0);
    for (int k = 1; k < weights.length; k++) {
      result = combined(past.next(), weights[k], result, 1);
    }
    return result;
  }

  private static float[] combined(float[] x, double a, float @Nullable [] y, double b) {
    float[] result = new float[x.length];
    for (int i = 0; i < result.length; i++) {
      result[i] = (float) (a * x[i] + (y == null ? 0 : b * y[i]));
    }
    return result;
  }
}
