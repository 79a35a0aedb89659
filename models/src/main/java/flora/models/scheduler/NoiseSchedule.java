package flora.models.scheduler;

import flora.models.ModelConfig;
import java.nio.file.Path;

/**
 * How noise is mixed into clean samples while a diffusion model is trained.
 *
 * <p>x_t = √ᾱ_t x₀ + √(1−ᾱ_t) ε (<a href="https://arxiv.org/abs/2006.11239">Ho et al. 2020</a>).
 * Equals diffusers' DDPMScheduler built from the same file, whatever scheduler the file is of: a
 * trainer looks only at the betas and at what the network predicts.
 */
public final class NoiseSchedule {

  private final float[] betas;
  private final float[] alphasCumprod;
  private final Prediction prediction;

  private NoiseSchedule(float[] betas, Prediction prediction) {
    this.betas = betas;
    this.alphasCumprod = Betas.cumulative(betas);
    this.prediction = prediction;
  }

  /** Reads a {@code scheduler_config.json}. Throws a {@link flora.models.ModelException}. */
  public static NoiseSchedule read(Path file) {
    return of(ModelConfig.read(file));
  }

  /** Takes a configuration that has been read. */
  public static NoiseSchedule of(ModelConfig config) {
    if (config.text("_class_name", "").startsWith("FlowMatch")) {
      throw config.unsupported("_class_name", "flow matching has no noise schedule of this kind");
    }
    refuseLearnedVariance(config);
    float[] betas = Betas.of(config);
    if (config.flag("rescale_betas_zero_snr", false)) {
      betas = Betas.zeroTerminalSnr(betas);
    }
    return new NoiseSchedule(betas, Prediction.of(config));
  }

  /**
   * The same with no signal left at the last timestep (<a
   * href="https://arxiv.org/abs/2305.08891">Lin et al.</a>).
   */
  public NoiseSchedule withZeroTerminalSnr() {
    return new NoiseSchedule(Betas.zeroTerminalSnr(betas), prediction);
  }

  static void refuseLearnedVariance(ModelConfig config) {
    if (config.text("variance_type", "").startsWith("learned")) {
      throw config.unsupported("variance_type", "networks that predict a variance are not");
    }
  }

  /** The number of training timesteps. */
  public int steps() {
    return betas.length;
  }

  /** What the network predicts. */
  public Prediction prediction() {
    return prediction;
  }

  /** The betas; a copy. */
  public float[] betas() {
    return betas.clone();
  }

  /** ᾱ for every timestep; a copy. */
  public float[] alphasCumprod() {
    return alphasCumprod.clone();
  }

  /** √ᾱ: the share of the clean sample at a timestep. */
  public float signal(int timestep) {
    return (float) Math.sqrt(alphasCumprod[timestep]);
  }

  /** √(1−ᾱ): the share of the noise at a timestep. */
  public float noise(int timestep) {
    return (float) Math.sqrt(1f - alphasCumprod[timestep]);
  }

  /** The signal-to-noise ratio ᾱ / (1−ᾱ), squared as in Min-SNR. */
  public float snr(int timestep) {
    float ratio = signal(timestep) / noise(timestep);
    return ratio * ratio;
  }

  /** The noisy sample at a timestep. */
  public float[] addNoise(float[] sample, float[] noise, int timestep) {
    return mix(signal(timestep), sample, noise(timestep), noise);
  }

  /** The target of v-prediction: √ᾱ ε − √(1−ᾱ) x₀. */
  public float[] velocity(float[] sample, float[] noise, int timestep) {
    return mix(signal(timestep), noise, -noise(timestep), sample);
  }

  /** What the network should answer at a timestep. */
  public float[] target(float[] sample, float[] noise, int timestep) {
    return switch (prediction) {
      case EPSILON -> noise;
      case SAMPLE -> sample;
      case VELOCITY -> velocity(sample, noise, timestep);
    };
  }

  private static float[] mix(float a, float[] x, float b, float[] y) {
    float[] sum = new float[x.length];
    for (int i = 0; i < sum.length; i++) {
      sum[i] = a * x[i] + b * y[i];
    }
    return sum;
  }
}
