package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.scheduler.NoiseSchedule;
import flora.models.stablediffusion.UNet;
import flora.models.train.Objective.Loss;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How far the UNet's prediction lies from what was mixed in, as diffusers' {@code
 * train_text_to_image_lora.py} and sd-scripts compute it.
 */
public final class DenoisingLoss {

  /**
   * One batch, ready for the UNet.
   *
   * @param latents clean and scaled, {@code [n, c, h, w]}
   * @param noise standard normal, the same shape
   * @param offset standard normal, {@code [n, c, 1, 1]}, where the objective has an offset
   * @param timesteps one per sample
   * @param context the captions' embeddings, {@code [n, s, d]}
   * @param share what the loss is multiplied by: how much of a step the batch is, so that the
   *     losses of a step's batches are summed
   */
  public record Batch(
      NDArray latents,
      NDArray noise,
      @Nullable NDArray offset,
      List<Integer> timesteps,
      NDArray context,
      double share) {

    public Batch {
      timesteps = List.copyOf(timesteps);
    }

    /** A whole step without an offset. */
    public Batch(NDArray latents, NDArray noise, List<Integer> timesteps, NDArray context) {
      this(latents, noise, null, timesteps, context, 1);
    }
  }

  private final UNet unet;
  private final NoiseSchedule schedule;
  private final Objective objective;

  /** A loss; neither the UNet nor its adapters are changed. */
  public DenoisingLoss(UNet unet, NoiseSchedule schedule, Objective objective) {
    if (objective.maxTimestep() > schedule.steps()) {
      throw new IllegalArgumentException(
          "timesteps to below %d; the model has %d"
              .formatted(objective.maxTimestep(), schedule.steps()));
    }
    this.unet = unet;
    this.schedule = schedule;
    this.objective = objective;
  }

  /** A batch with the noise mixed in, and what the UNet is to find. */
  private record Mixed(NDArray noised, NDArray target) {}

  /** The loss of a batch, a scalar. */
  public NDArray of(Batch batch) {
    try (var scope = new Scope()) {
      Mixed mixed = mix(batch);
      NDArray predicted = unet.forward(mixed.noised(), times(batch), batch.context());
      return scope.keep(distance(predicted, mixed.target(), batch));
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
          values -> Scope.keeping(() -> distance(values.get(0), values.get(1), batch)));
    }
  }

  /**
   * The distance of each sample by itself, neither weighted nor multiplied by the share; nothing is
   * recorded.
   */
  public float[] each(Batch batch) {
    try (var _ = new Scope();
        var _ = Autograd.pause()) {
      Mixed mixed = mix(batch);
      NDArray predicted = unet.forward(mixed.noised(), times(batch), batch.context());
      return each(predicted, mixed.target(), batch.timesteps()).toFloatArray();
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
    NDArray noise =
        batch.offset() == null || objective.noiseOffset() == 0
            ? batch.noise()
            : Aten.add(batch.noise(), Aten.mul(batch.offset(), objective.noiseOffset()));
    NDArray noised = Aten.weightedSum(batch.latents(), a, noise, s);
    NDArray target =
        switch (objective.prediction()) {
          case EPSILON -> noise;
          case SAMPLE -> batch.latents();
          case VELOCITY -> Aten.weightedDifference(noise, a, batch.latents(), s);
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

  private NDArray distance(NDArray predicted, NDArray target, Batch batch) {
    Double gamma = objective.snrGamma();
    NDArray mean =
        gamma == null && objective.loss() instanceof Loss.L2
            ? Aten.mse(predicted, target)
            : Aten.mean(weighted(each(predicted, target, batch.timesteps()), batch, gamma));
    return batch.share() == 1 ? mean : Aten.mul(mean, batch.share());
  }

  private NDArray weighted(NDArray each, Batch batch, @Nullable Double gamma) {
    return gamma == null
        ? each
        : Aten.mul(each, Aten.of(weights(batch.timesteps(), gamma), batch.timesteps().size()));
  }

  /** The mean over each sample: {@code [n]}. */
  private NDArray each(NDArray predicted, NDArray target, List<Integer> timesteps) {
    return switch (objective.loss()) {
      case Loss.L2 _ -> Aten.mseEach(predicted, target);
      case Loss.L1 _ -> Aten.absoluteEach(predicted, target);
      case Loss.Huber(double c, Objective.Schedule by) -> {
        NDArray thresholds = thresholds(c, by, timesteps);
        yield Aten.huberEach(predicted, target, thresholds, Aten.mul(thresholds, 2));
      }
      case Loss.SmoothL1(double c, Objective.Schedule by) ->
          Aten.huberEach(predicted, target, thresholds(c, by, timesteps), Aten.scalar(2));
    };
  }

  private NDArray thresholds(double c, Objective.Schedule by, List<Integer> timesteps) {
    var values = new float[timesteps.size()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Objective.threshold(c, by, schedule, timesteps.get(i));
    }
    return Aten.of(values, values.length, 1, 1, 1);
  }

  /** {@code min(SNR, γ)/SNR} for noise, {@code …/(SNR+1)} for velocity, {@code …} for samples. */
  private float[] weights(List<Integer> timesteps, double gamma) {
    var weights = new float[timesteps.size()];
    for (int i = 0; i < weights.length; i++) {
      float snr = schedule.snr(timesteps.get(i));
      float limited = Math.min(snr, (float) gamma);
      weights[i] =
          switch (objective.prediction()) {
            case EPSILON -> limited / snr;
            case SAMPLE -> limited;
            case VELOCITY -> limited / (snr + 1);
          };
    }
    return weights;
  }
}
