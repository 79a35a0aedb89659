package flora.models.scheduler;

import flora.models.ModelConfig;

/**
 * Which training timesteps a sampler visits: {@code timestep_spacing} (arXiv 2305.08891, table 2).
 */
enum Spacing {
  LEADING,
  LINSPACE,
  TRAILING;

  static Spacing of(ModelConfig config, Spacing absent) {
    if (!config.has("timestep_spacing")) {
      return absent;
    }
    return switch (config.text("timestep_spacing", "")) {
      case "leading" -> LEADING;
      case "linspace" -> LINSPACE;
      case "trailing" -> TRAILING;
      default ->
          throw config.unsupported("timestep_spacing", "supported: leading, linspace, trailing");
    };
  }

  /** numpy.linspace in 64 bits, from the last value to the first. */
  static double[] descending(double last, int count) {
    double[] values = new double[count];
    double step = count > 1 ? last / (count - 1) : 0;
    for (int i = 0; i < count; i++) {
      values[count - 1 - i] = i == count - 1 && count > 1 ? last : i * step;
    }
    return values;
  }

  /** Multiples of a ratio, from the largest to the smallest, moved by the offset. */
  static double[] leading(int ratio, int count, int offset) {
    double[] values = new double[count];
    for (int i = 0; i < count; i++) {
      values[count - 1 - i] = (double) i * ratio + offset;
    }
    return values;
  }

  /** numpy's {@code round(arange(last, 0, -total / count)) - 1}. */
  static double[] trailing(int last, int total, int count) {
    double step = (double) total / count;
    int length = (int) Math.ceil(last / step);
    double delta = (last - step) - last;
    double[] values = new double[length];
    for (int i = 0; i < length; i++) {
      values[i] = Math.rint(last + i * delta) - 1;
    }
    return values;
  }

  /** All to the nearest whole number, halves to the even one. */
  static double[] rounded(double[] values) {
    for (int i = 0; i < values.length; i++) {
      values[i] = Math.rint(values[i]);
    }
    return values;
  }
}
