package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;

/**
 * The distribution of latents that a picture encodes to, unscaled.
 *
 * @param mean {@code [n, latent, h, w]}
 * @param logVariance the same shape, within [-30, 20]
 */
public record Posterior(NDArray mean, NDArray logVariance) {

  /** {@code mean + σ·noise}. */
  public NDArray sample(NDArray noise) {
    return Aten.add(mean, Aten.mul(Aten.exp(Aten.mul(logVariance, 0.5)), noise));
  }
}
