package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.scheduler.NoiseSchedule;
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
  private final NoiseSchedule schedule;
  private final @Nullable Double snrGamma;

  /**
   * @param snrGamma limit of the weight by signal-to-noise ratio (<a
   *     href="https://arxiv.org/abs/2303.09556">Hang et al.</a>); null = every timestep weighs the
   *     same
   */
  public DenoisingLoss(UNet unet, NoiseSchedule schedule, @Nullable Double snrGamma) {
    this.unet = unet;
    this.schedule = schedule;
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
        times[i] = t;
        signal[i] = schedule.signal(t);
        sigma[i] = schedule.noise(t);
      }
      NDArray a = Aten.of(signal, n, 1, 1, 1);
      NDArray s = Aten.of(sigma, n, 1, 1, 1);
      NDArray noised = Aten.weightedSum(batch.latents(), a, batch.noise(), s);
      NDArray target =
          switch (schedule.prediction()) {
            case EPSILON -> batch.noise();
            case SAMPLE -> batch.latents();
            case VELOCITY -> Aten.weightedDifference(batch.noise(), a, batch.latents(), s);
          };
      NDArray predicted = unet.forward(noised, times, batch.context());
      return scope.keep(
          snrGamma == null
              ? Aten.mse(predicted, target)
              : Aten.mean(
                  Aten.mul(
                      Aten.mseEach(predicted, target),
                      Aten.of(weights(batch.timesteps(), snrGamma), n))));
    }
  }

  /** {@code min(SNR, γ)/SNR} for noise, {@code …/(SNR+1)} for velocity, {@code …} for samples. */
  private float[] weights(List<Integer> timesteps, double gamma) {
    var weights = new float[timesteps.size()];
    for (int i = 0; i < weights.length; i++) {
      float snr = schedule.snr(timesteps.get(i));
      float limited = Math.min(snr, (float) gamma);
      weights[i] =
          switch (schedule.prediction()) {
            case EPSILON -> limited / snr;
            case SAMPLE -> limited;
            case VELOCITY -> limited / (snr + 1);
          };
    }
    return weights;
  }
}
