package flora.models.scheduler;

import flora.models.ModelConfig;

/** What a diffusion network predicts: {@code prediction_type}. */
public enum Prediction {
  /** The noise ε. */
  EPSILON("epsilon"),
  /** The clean sample x₀. */
  SAMPLE("sample"),
  /**
   * The velocity √ᾱ ε − √(1−ᾱ) x₀ (<a href="https://arxiv.org/abs/2202.00512">Salimans, Ho</a>).
   */
  VELOCITY("v_prediction");

  /** The key of a scheduler's configuration. */
  public static final String KEY = "prediction_type";

  private final String word;

  Prediction(String word) {
    this.word = word;
  }

  /** What a configuration says for it. */
  public String word() {
    return word;
  }

  static Prediction of(ModelConfig config) {
    var word = config.text(KEY, EPSILON.word);
    for (var each : values()) {
      if (each.word.equals(word)) {
        return each;
      }
    }
    throw config.unsupported(KEY, "supported: epsilon, sample, v_prediction");
  }
}
