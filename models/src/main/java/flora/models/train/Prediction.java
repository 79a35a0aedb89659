package flora.models.train;

/** What a denoiser predicts. */
public enum Prediction {
  /** The noise. */
  EPSILON,
  /** The velocity, {@code √ᾱ·noise − √(1−ᾱ)·x₀} (Salimans and Ho). */
  VELOCITY
}
