package flora.models.scheduler;

import flora.models.ModelConfig;

/**
 * DDIM without noise, η = 0 (<a href="https://arxiv.org/abs/2010.02502">Song et al. 2020</a>),
 * equal to diffusers' DDIMScheduler.
 */
final class Ddim implements Sampler {

  private final float[] alphasCumprod;
  private final double finalAlpha;
  private final double[] timesteps;
  private final int stride;
  private final Prediction prediction;
  private final double clip;

  Ddim(ModelConfig config, int steps) {
    config.only("thresholding", false);
    float[] betas = Betas.of(config);
    if (config.flag("rescale_betas_zero_snr", false)) {
      betas = Betas.zeroTerminalSnr(betas);
    }
    int total = betas.length;
    int offset = config.integer("steps_offset", 0);
    alphasCumprod = Betas.cumulative(betas);
    finalAlpha = config.flag("set_alpha_to_one", true) ? 1 : alphasCumprod[0];
    prediction = Prediction.of(config);
    clip =
        config.flag("clip_sample", true)
            ? config.decimal("clip_sample_range", 1)
            : Double.POSITIVE_INFINITY;
    stride = total / steps;
    timesteps =
        switch (Spacing.of(config, Spacing.LEADING)) {
          case LEADING -> Spacing.leading(stride, steps, offset);
          case LINSPACE -> Spacing.rounded(Spacing.descending(total - 1, steps));
          case TRAILING -> Spacing.trailing(total, total, steps);
        };
    if (timesteps[0] >= total) {
      throw config.unsupported(
          "steps_offset", "it moves the first of %d steps beyond the schedule".formatted(steps));
    }
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
    int now = (int) timesteps[step];
    int next = now - stride;
    double alpha = alphasCumprod[now];
    double nextAlpha = next >= 0 ? alphasCumprod[next] : finalAlpha;
    double signal = Math.sqrt(alpha);
    double noise = Math.sqrt(1 - alpha);
    float[] result = new float[sample.length];
    for (int i = 0; i < result.length; i++) {
      double x = sample[i];
      double y = output[i];
      double clean =
          switch (prediction) {
            case EPSILON -> (x - noise * y) / signal;
            case SAMPLE -> y;
            case VELOCITY -> signal * x - noise * y;
          };
      double epsilon =
          switch (prediction) {
            case EPSILON -> y;
            case SAMPLE -> (x - signal * y) / noise;
            case VELOCITY -> signal * y + noise * x;
          };
      clean = Math.clamp(clean, -clip, clip);
      result[i] = (float) (Math.sqrt(nextAlpha) * clean + Math.sqrt(1 - nextAlpha) * epsilon);
    }
    return result;
  }
}
