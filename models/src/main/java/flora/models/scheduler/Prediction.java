package flora.models.scheduler;

import flora.models.ModelConfig;

/** What a diffusion network predicts: {@code prediction_type}. */
public enum Prediction {
  /** The noise ε. */
  EPSILON,
  /** The clean sample x₀. */
  SAMPLE,
  /**
   * The velocity √ᾱ ε − √(1−ᾱ) x₀ (<a href="https://arxiv.org/abs/2202.00512">Salimans, Ho</a>).
   */
  VELOCITY;

  static Prediction of(ModelConfig config) {
    return switch (config.text("prediction_type", "epsilon")) {
      case "epsilon" -> EPSILON;
      case "sample" -> SAMPLE;
      case "v_prediction" -> VELOCITY;
      default ->
          throw config.unsupported("prediction_type", "supported: epsilon, sample, v_prediction");
    };
  }
}
