package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
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

  /** A batch with the noise mixed in, and what the UNet is to find. */
  private record Mixed(NDArray noised, NDArray target) {}

  /** The loss of a batch, a scalar. */
  public NDArray of(Batch batch) {
    try (var scope = new Scope()) {
      Mixed mixed = mix(batch);
      NDArray predicted = unet.forward(mixed.noised(), times(batch), batch.context());
      return scope.keep(distance(predicted, mixed.target(), batch.timesteps()));
    }
  }

  /**
   * The same in segments, for training.
   *
   * @return the number of the loss
   */
  public int of(Segments segments, Batch batch) {
    return of(segments, batch, segments.input(batch.context(), false));
  }

  /**
   * The same with a context that was computed in segments too, because its encoder is trained.
   *
   * @param context number of a value, instead of the batch's context
   */
  public int of(Segments segments, Batch batch, int context) {
    try (var _ = new Scope();
        var _ = Autograd.pause()) {
      Mixed mixed = mix(batch);
      int target = segments.input(mixed.target(), false);
      int predicted =
          unet.forward(segments, segments.input(mixed.noised(), false), times(batch), context);
      return segments.single(
          List.of(predicted, target),
          List.of(),
          values -> Scope.keeping(() -> distance(values.get(0), values.get(1), batch.timesteps())));
    }
  }

  private Mixed mix(Batch batch) {
    int n = batch.timesteps().size();
    var signal = new float[n]; // √ᾱ
    var sigma = new float[n]; // √(1−ᾱ)
    for (int i = 0; i < n; i++) {
      int t = batch.timesteps().get(i);
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
    return new Mixed(noised, target);
  }

  private static float[] times(Batch batch) {
    var times = new float[batch.timesteps().size()];
    for (int i = 0; i < times.length; i++) {
      times[i] = batch.timesteps().get(i);
    }
    return times;
  }

  private NDArray distance(NDArray predicted, NDArray target, List<Integer> timesteps) {
    return snrGamma == null
        ? Aten.mse(predicted, target)
        : Aten.mean(
            Aten.mul(
                Aten.mseEach(predicted, target),
                Aten.of(weights(timesteps, snrGamma), timesteps.size())));
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
