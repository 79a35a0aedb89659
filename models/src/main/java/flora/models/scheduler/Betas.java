package flora.models.scheduler;

import flora.models.ModelConfig;
import java.util.List;

/** The noise added at each training step, in 32 bits as PyTorch computes it. */
final class Betas {

  private Betas() {}

  /** The betas that the configuration asks for, before any rescaling. */
  static float[] of(ModelConfig config) {
    int steps = config.integer("num_train_timesteps", 1000);
    if (steps < 2) {
      throw config.unsupported("num_train_timesteps", "expected at least 2");
    }
    if (config.has("trained_betas")) {
      return trained(config, config.decimals("trained_betas"), steps);
    }
    double start = config.decimal("beta_start", 0.0001);
    double end = config.decimal("beta_end", 0.02);
    return switch (config.text("beta_schedule", "linear")) {
      case "linear" -> linspace(start, end, steps);
      case "scaled_linear" -> squared(linspace(Math.sqrt(start), Math.sqrt(end), steps));
      case "squaredcos_cap_v2" -> cosine(steps);
      default ->
          throw config.unsupported(
              "beta_schedule", "supported: linear, scaled_linear, squaredcos_cap_v2");
    };
  }

  private static float[] trained(ModelConfig config, List<Double> values, int steps) {
    if (values.size() != steps) {
      throw config.unsupported(
          "trained_betas", "expected as many numbers as num_train_timesteps, " + steps);
    }
    float[] betas = new float[steps];
    for (int i = 0; i < steps; i++) {
      betas[i] = values.get(i).floatValue();
    }
    return betas;
  }

  /** torch.linspace: the second half is counted from the end, so both ends are exact. */
  static float[] linspace(double start, double end, int count) {
    float first = (float) start;
    float last = (float) end;
    float step = (last - first) / (count - 1);
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] =
          i < count / 2
              ? Math.fma(step, (float) i, first)
              : Math.fma(-step, (float) (count - 1 - i), last);
    }
    return values;
  }

  private static float[] squared(float[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] *= values[i];
    }
    return values;
  }

  /** Nichol and Dhariwal's cosine schedule, capped at 0.999. */
  private static float[] cosine(int steps) {
    float[] betas = new float[steps];
    for (int i = 0; i < steps; i++) {
      double ratio = alphaBar((double) (i + 1) / steps) / alphaBar((double) i / steps);
      betas[i] = (float) Math.min(1 - ratio, 0.999);
    }
    return betas;
  }

  private static double alphaBar(double t) {
    double cosine = Math.cos((t + 0.008) / 1.008 * Math.PI / 2);
    return cosine * cosine;
  }

  /** The products of 1 − β up to each step. PyTorch multiplies in 64 bits and stores 32. */
  static float[] cumulative(float[] betas) {
    float[] products = new float[betas.length];
    double product = 1;
    for (int i = 0; i < betas.length; i++) {
      product *= 1f - betas[i];
      products[i] = (float) product;
    }
    return products;
  }

  /**
   * Shifts and scales so that the last step is pure noise (<a
   * href="https://arxiv.org/abs/2305.08891">Lin et al.</a>).
   */
  static float[] zeroTerminalSnr(float[] betas) {
    float[] products = cumulative(betas);
    int n = betas.length;
    float[] roots = new float[n];
    for (int i = 0; i < n; i++) {
      roots[i] = (float) Math.sqrt(products[i]);
    }
    float first = roots[0];
    float last = roots[n - 1];
    float scale = first / (first - last);
    float[] rescaled = new float[n];
    float before = 1;
    for (int i = 0; i < n; i++) {
      float root = (roots[i] - last) * scale;
      float product = root * root;
      rescaled[i] = 1 - product / before;
      before = product;
    }
    return rescaled;
  }
}
