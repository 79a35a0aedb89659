package flora.models.scheduler;

import flora.models.ModelConfig;
import java.util.Arrays;

/** Noise levels σ = √((1−ᾱ)/ᾱ) and the ways to space them, shared by Euler and DPM-Solver. */
final class Sigmas {

  private final float[] training;
  private final double last;

  Sigmas(ModelConfig config) {
    config.only("use_beta_sigmas", false);
    if (config.flag("use_karras_sigmas", false) && config.flag("use_exponential_sigmas", false)) {
      throw config.unsupported("use_exponential_sigmas", "use it or use_karras_sigmas, not both");
    }
    training = training(config);
    last =
        switch (config.text("final_sigmas_type", "zero")) {
          case "zero" -> 0;
          case "sigma_min" -> training[0];
          default -> throw config.unsupported("final_sigmas_type", "supported: zero, sigma_min");
        };
  }

  private Sigmas(float[] training) {
    this.training = training;
    last = 0;
  }

  /** Levels that end at 0, whatever the configuration says of spacing: for Euler ancestral. */
  static Sigmas plain(ModelConfig config) {
    return new Sigmas(training(config));
  }

  private static float[] training(ModelConfig config) {
    float[] betas = Betas.of(config);
    boolean rescaled = config.flag("rescale_betas_zero_snr", false);
    float[] products = Betas.cumulative(rescaled ? Betas.zeroTerminalSnr(betas) : betas);
    if (rescaled) {
      // the peer keeps the first sigma finite
      products[products.length - 1] = 0x1p-24f;
    }
    float[] training = new float[products.length];
    for (int i = 0; i < training.length; i++) {
      training[i] = (float) Math.sqrt((1 - products[i]) / products[i]);
    }
    return training;
  }

  /** The number of training timesteps. */
  int total() {
    return training.length;
  }

  /** The noise level of a training timestep. */
  double at(int timestep) {
    return training[timestep];
  }

  /** The levels between training timesteps, on the straight line. */
  double[] interpolated(double[] timesteps) {
    double[] sigmas = new double[timesteps.length];
    for (int i = 0; i < sigmas.length; i++) {
      double t = Math.clamp(timesteps[i], 0, training.length - 1);
      int low = Math.min((int) t, training.length - 2);
      sigmas[i] = training[low] + (t - low) * ((double) training[low + 1] - training[low]);
    }
    return sigmas;
  }

  /**
   * Levels evenly spaced in σ^(1/7) (<a href="https://arxiv.org/abs/2206.00364">Karras et al.</a>).
   */
  static double[] karras(double max, double min, int count) {
    double rho = 7;
    double[] sigmas = new double[count];
    for (int i = 0; i < count; i++) {
      double ramp = count > 1 ? (double) i / (count - 1) : 0;
      double from = Math.pow(max, 1 / rho);
      sigmas[i] = Math.pow(from + ramp * (Math.pow(min, 1 / rho) - from), rho);
    }
    return sigmas;
  }

  /** Levels evenly spaced in log σ. */
  static double[] exponential(double max, double min, int count) {
    double[] sigmas = new double[count];
    for (int i = 0; i < count; i++) {
      double ramp = count > 1 ? (double) i / (count - 1) : 0;
      sigmas[i] = Math.exp(Math.log(max) + ramp * (Math.log(min) - Math.log(max)));
    }
    return sigmas;
  }

  /** The training timesteps, with fractions, at which these levels are reached. */
  double[] timesteps(double[] sigmas) {
    double[] timesteps = new double[sigmas.length];
    for (int i = 0; i < sigmas.length; i++) {
      double wanted = Math.log(Math.max(sigmas[i], 1e-10));
      int low = 0;
      while (low + 2 < training.length && (float) Math.log(training[low + 1]) <= wanted) {
        low++;
      }
      double below = (float) Math.log(training[low]);
      double above = (float) Math.log(training[low + 1]);
      double share = Math.clamp((below - wanted) / (below - above), 0, 1);
      timesteps[i] = (1 - share) * low + share * (low + 1);
    }
    return timesteps;
  }

  /** The levels of a run in 32 bits, with the one after the last step. */
  double[] withLast(double[] sigmas) {
    double[] all = Arrays.copyOf(sigmas, sigmas.length + 1);
    all[sigmas.length] = last;
    for (int i = 0; i < all.length; i++) {
      all[i] = (float) all[i];
    }
    return all;
  }
}
