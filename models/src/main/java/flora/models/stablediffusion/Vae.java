package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Conv2d;
import flora.models.weights.Weights;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The autoencoder between pixels and latents (<a href="https://arxiv.org/abs/1312.6114">Kingma and
 * Welling</a>); diffusers' {@code AutoencoderKL}.
 */
public final class Vae implements AutoCloseable {
  private final VaeConfig config;
  private final Weights weights;
  private final VaeEncoder encoder;
  private final VaeDecoder decoder;
  private final @Nullable Conv2d quantConv;
  private final @Nullable Conv2d postQuantConv;

  /** Reads {@code config.json} and the weights beside it. */
  public static Vae open(Path folder) {
    VaeConfig config = VaeConfig.read(folder.resolve("config.json"));
    Weights weights = Weights.open(folder);
    try {
      return new Vae(config, weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  /** Builds the network; it closes the weights when it is closed. */
  public Vae(VaeConfig config, Weights weights) {
    this.config = config;
    this.weights = weights;
    int latent = config.latentChannels();
    encoder = new VaeEncoder(config, weights.child("encoder"));
    decoder = new VaeDecoder(config, weights.child("decoder"));
    quantConv =
        config.quantConv()
            ? Conv2d.pointwise(weights.child("quant_conv"), 2 * latent, 2 * latent)
            : null;
    postQuantConv =
        config.postQuantConv()
            ? Conv2d.pointwise(weights.child("post_quant_conv"), latent, latent)
            : null;
    weights.requireAllUsed(key -> false);
  }

  public VaeConfig config() {
    return config;
  }

  /** Encodes pixels within [-1, 1], {@code [n, 3, h, w]}; sides are multiples of the factor. */
  public Posterior encode(NDArray pixels) {
    try (var scope = new Scope()) {
      NDArray moments = encoder.forward(pixels);
      if (quantConv != null) {
        moments = quantConv.forward(moments);
      }
      List<NDArray> halves = Aten.chunk(moments, 2, 1);
      // a copy, so that neither half keeps the other alive
      return new Posterior(
          scope.keep(Aten.copy(halves.get(0))), scope.keep(Aten.clamp(halves.get(1), -30, 20)));
    }
  }

  /** Decodes unscaled latents {@code [n, latent, h, w] → [n, 3, f·h, f·w]}, about [-1, 1]. */
  public NDArray decode(NDArray latents) {
    return Scope.keeping(
        () -> decoder.forward(postQuantConv == null ? latents : postQuantConv.forward(latents)));
  }

  /** Latents as the UNet takes them. */
  public NDArray scale(NDArray latents) {
    return Scope.keeping(
        () -> Aten.mul(Aten.add(latents, -config.shiftFactor()), config.scalingFactor()));
  }

  /** The inverse of {@link #scale}. */
  public NDArray unscale(NDArray latents) {
    return Scope.keeping(
        () -> Aten.add(Aten.div(latents, config.scalingFactor()), config.shiftFactor()));
  }

  @Override
  public void close() {
    weights.close();
  }
}
