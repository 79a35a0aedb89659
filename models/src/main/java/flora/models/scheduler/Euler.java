package flora.models.scheduler;

import flora.models.ModelConfig;
import java.util.Arrays;

/**
 * Euler's method along the probability flow (<a href="https://arxiv.org/abs/2206.00364">Karras et
 * al. 2022</a>, algorithm 2 without churn), equal to diffusers' EulerDiscreteScheduler.
 */
final class Euler implements Sampler {

  private final double[] timesteps;
  private final double[] sigmas;
  private final double initialSigma;
  private final Prediction prediction;

  Euler(ModelConfig config, int steps) {
    prediction = Prediction.of(config);
    if (prediction == Prediction.VELOCITY) {
      config.only("timestep_type", "discrete");
    }
    var levels = new Sigmas(config);
    int total = levels.total();
    Spacing spacing = Spacing.of(config, Spacing.LINSPACE);
    double[] visited =
        switch (spacing) {
          case LEADING -> Spacing.leading(total / steps, steps, config.integer("steps_offset", 0));
          case LINSPACE -> Spacing.descending(total - 1, steps);
          case TRAILING -> Spacing.trailing(total, total, steps);
        };
    for (int i = 0; i < visited.length; i++) {
      visited[i] = (float) visited[i];
    }
    double[] run =
        switch (config.text("interpolation_type", "linear")) {
          case "linear" -> levels.interpolated(visited);
          case "log_linear" -> logLinear(levels.at(0), levels.at(total - 1), steps + 1);
          default ->
              throw config.unsupported("interpolation_type", "supported: linear, log_linear");
        };
    double max = config.decimal("sigma_max", run[0]);
    double min = config.decimal("sigma_min", run[run.length - 1]);
    boolean karras = config.flag("use_karras_sigmas", false);
    if (karras || config.flag("use_exponential_sigmas", false)) {
      run = karras ? Sigmas.karras(max, min, steps) : Sigmas.exponential(max, min, steps);
      visited = levels.timesteps(run);
    }
    timesteps = visited;
    sigmas = levels.withLast(run);
    double most = Arrays.stream(sigmas).max().orElseThrow();
    initialSigma = spacing == Spacing.LEADING ? Math.sqrt(most * most + 1) : most;
  }

  /** The peer spaces evenly in log σ from the smallest level to the largest. */
  private static double[] logLinear(double min, double max, int count) {
    float[] logs = Betas.linspace(Math.log((float) max), Math.log((float) min), count);
    double[] sigmas = new double[count];
    for (int i = 0; i < count; i++) {
      sigmas[i] = (float) Math.exp(logs[i]);
    }
    return sigmas;
  }

  @Override
  public int steps() {
    return timesteps.length;
  }

  @Override
  public double timestep(int step) {
    return (float) timesteps[step];
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
    double sigma = sigmas[step];
    double move = sigmas[step + 1] - sigma;
    double square = sigma * sigma + 1;
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      double x = sample[i];
      double clean =
          switch (prediction) {
            case EPSILON -> x - sigma * output[i];
            case SAMPLE -> output[i];
            case VELOCITY -> output[i] * (-sigma / Math.sqrt(square)) + x / square;
          };
      result[i] = (float) (x + (x - clean) / sigma * move);
    }
    return result;
  }
}
