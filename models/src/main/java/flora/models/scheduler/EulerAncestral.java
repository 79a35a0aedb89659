package flora.models.scheduler;

import flora.models.ModelConfig;
import java.util.Arrays;

/**
 * Euler's method with more noise taken away in each step than the next level has, and the rest
 * added anew; equal to diffusers' EulerAncestralDiscreteScheduler.
 */
final class EulerAncestral implements Sampler {

  private final double[] timesteps;
  private final double[] sigmas;
  private final double initialSigma;
  private final Prediction prediction;
  private final Noise noise;

  EulerAncestral(ModelConfig config, int steps, Noise noise) {
    this.noise = noise;
    prediction = Prediction.of(config);
    if (prediction == Prediction.SAMPLE) {
      throw config.unsupported("prediction_type", "this sampler takes epsilon and v_prediction");
    }
    var levels = Sigmas.plain(config);
    int total = levels.total();
    Spacing spacing = Spacing.of(config, Spacing.LINSPACE);
    timesteps =
        switch (spacing) {
          case LEADING -> Spacing.leading(total / steps, steps, config.integer("steps_offset", 0));
          case LINSPACE -> Spacing.descending(total - 1, steps);
          case TRAILING -> Spacing.trailing(total, total, steps);
        };
    for (int i = 0; i < timesteps.length; i++) {
      timesteps[i] = (float) timesteps[i];
    }
    sigmas = levels.withLast(levels.interpolated(timesteps));
    double most = Arrays.stream(sigmas).max().orElseThrow();
    initialSigma = spacing == Spacing.LEADING ? Math.sqrt(most * most + 1) : most;
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
    return initialSigma;
  }

  @Override
  public double inputScale(int step) {
    return 1 / Math.sqrt(sigmas[step] * sigmas[step] + 1);
  }

  @Override
  public float[] step(int step, float[] output, float[] sample) {
    double from = sigmas[step];
    double to = sigmas[step + 1];
    double up = Math.sqrt(to * to * (from * from - to * to) / (from * from));
    double down = Math.sqrt(to * to - up * up);
    double square = from * from + 1;
    float[] added = noise.of(step, sample.length);
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      double x = sample[i];
      double clean =
          prediction == Prediction.EPSILON
              ? x - from * output[i]
              : output[i] * (-from / Math.sqrt(square)) + x / square;
      result[i] = (float) (x + (x - clean) / from * (down - from) + added[i] * up);
    }
    return result;
  }
}
