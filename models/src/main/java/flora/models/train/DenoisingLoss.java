package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.stablediffusion.UNet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far the UNet's prediction lies from what was mixed in: the mean squared error, as diffusers'
 * {@code train_text_to_image_lora.py} computes it.
 */
public final class DenoisingLoss {

  /**
   * One batch, ready for the UNet.
   *
   * @param latents clean and scaled, {@code [n, c, h, w]}
   * @param noise standard normal, the same shape
   * @param timesteps one per sample
   * @param context the captions' embeddings, {@code [n, s, d]}
   */
  public record Batch(NDArray latents, NDArray noise, List<Integer> timesteps, NDArray context) {

    public Batch {
      timesteps = List.copyOf(timesteps);
    }
  }

  private final UNet unet;
  private final float[] alphasCumprod;
  private final Prediction prediction;
  private final @Nullable Double snrGamma;

  /**
   * @param alphasCumprod {@code ᾱ} of every timestep
   * @param snrGamma limit of the weight by signal-to-noise ratio (<a
   *     href="https://arxiv.org/abs/2303.09556">Hang et al.</a>); null = every timestep weighs the
   *     same
   */
  public DenoisingLoss(
      UNet unet, float[] alphasCumprod, Prediction prediction, @Nullable Double snrGamma) {
    this.unet = unet;
    this.alphasCumprod = alphasCumprod.clone();
    this.prediction = prediction;
    this.snrGamma = snrGamma;
  }

  /** The loss of a batch, a scalar. */
  public NDArray of(Batch batch) {
    try (var scope = new Scope()) {
      int n = batch.timesteps().size();
      var times = new float[n];
      var signal = new float[n]; // √ᾱ
      var sigma = new float[n]; // √(1−ᾱ)
      for (int i = 0; i < n; i++) {
        int t = batch.timesteps().get(i);
        float alpha = alphasCumprod[t];
        times[i] = t;
        signal[i] = (float) Math.sqrt(alpha);
        sigma[i] = (float) Math.sqrt(1 - alpha);
      }
      NDArray a = Aten.of(signal, n, 1, 1, 1);
      NDArray s = Aten.of(sigma, n, 1, 1, 1);
      NDArray noised = Aten.weightedSum(batch.latents(), a, batch.noise(), s);
      NDArray target =
          switch (prediction) {
            case EPSILON -> batch.noise();
            case VELOCITY -> Aten.weightedDifference(batch.noise(), a, batch.latents(), s);
          };
      NDArray predicted = unet.forward(noised, times, batch.context());
      return scope.keep(
          snrGamma == null
              ? Aten.mse(predicted, target)
              : Aten.mean(
                  Aten.mul(
                      Aten.mseEach(predicted, target),
                      Aten.of(weights(signal, sigma, snrGamma), n))));
    }
  }

  /** {@code min(SNR, γ)/SNR} for noise, {@code min(SNR, γ)/(SNR+1)} for velocity. */
  private float[] weights(float[] signal, float[] sigma, double gamma) {
    var weights = new float[signal.length];
    for (int i = 0; i < weights.length; i++) {
      float ratio = signal[i] / sigma[i];
      float snr = ratio * ratio;
      float limited = Math.min(snr, (float) gamma);
      weights[i] =
          switch (prediction) {
            case EPSILON -> limited / snr;
            case VELOCITY -> limited / (snr + 1);
          };
    }
    return weights;
  }
}
