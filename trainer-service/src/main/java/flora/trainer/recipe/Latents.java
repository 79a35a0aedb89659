package flora.trainer.recipe;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.image.TrainingTransform;
import flora.models.random.RandomStream;
import flora.models.stablediffusion.Posterior;
import flora.models.stablediffusion.Vae;
import flora.schemas.request.TrainingPlan;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.PictureSet;
import flora.trainer.data.View;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedSet;

/**
 * Pictures as the denoiser sees them: {@code latent_dist.sample() · scaling_factor} of the
 * autoencoder. The distribution of a view is computed once; each showing draws its own sample.
 */
final class Latents implements AutoCloseable {

  /** Columns and rows of a resized picture beyond the square. */
  private record Spare(int width, int height) {}

  private final Vae vae;
  private final PictureSet pictures;
  private final int resolution;
  private final boolean fixed;
  private final TrainingTransform transform;
  private final View.Chooser chooser;
  private final RandomStream samples;
  private final Map<Integer, Spare> spares = new HashMap<>();
  private final EncodingCache<View, Posterior> posteriors;
  private boolean vaeOpen = true;

  /** Takes over the autoencoder. */
  Latents(Vae vae, PictureSet pictures, TrainingPlan.StableDiffusionLora plan, long cacheBytes) {
    this.vae = vae;
    this.pictures = pictures;
    var cut = plan.pictures();
    this.resolution = cut.resolution();
    this.fixed = cut.centerCrop() && !cut.randomFlip();
    this.transform = new TrainingTransform(resolution);
    this.chooser = new View.Chooser(plan.seed(), cut.centerCrop(), cut.randomFlip());
    this.samples = RandomStream.of(plan.seed(), "latents");
    long bytes = 2L * Float.BYTES * elements();
    this.posteriors =
        new EncodingCache<>(
            (int) Math.min(Integer.MAX_VALUE, cacheBytes / bytes),
            this::encode,
            posterior -> {
              posterior.mean().close();
              posterior.logVariance().close();
            });
  }

  /** Pixels of a side that one latent stands for. */
  int factor() {
    return vae.config().factor();
  }

  /** Elements of one picture's latents. */
  int elements() {
    int side = resolution / vae.config().factor();
    return vae.config().latentChannels() * side * side;
  }

  /** {@code [1, channels, side, side]}. */
  long[] shape() {
    int side = resolution / vae.config().factor();
    return new long[] {1, vae.config().latentChannels(), side, side};
  }

  /**
   * Encodes the pictures in advance and frees the autoencoder, if every showing of a picture looks
   * the same and all of them fit.
   *
   * @param proceed called after each
   */
  void encodeAll(SequencedSet<Integer> needed, Runnable proceed) {
    if (!fixed || needed.size() > posteriors.capacity()) {
      return;
    }
    for (int picture : needed) {
      posteriors.get(view(new Draw(0, picture)));
      proceed.run();
    }
    vae.close();
    vaeOpen = false;
  }

  /** The latents of a batch, {@code [n, channels, side, side]}, in the caller's scope. */
  NDArray batch(List<Draw> draws) {
    try (var scope = new Scope()) {
      var latents =
          draws.stream()
              .map(
                  draw -> {
                    var noise = samples.normal(draw.number(), 0, elements());
                    return posteriors.get(view(draw)).sample(Aten.of(noise, shape()));
                  })
              .toList();
      return scope.keep(vae.scale(Aten.cat(latents, 0)));
    }
  }

  private View view(Draw draw) {
    var spare = spares.computeIfAbsent(draw.picture(), this::spare);
    return chooser.choose(draw, spare.width(), spare.height());
  }

  private Spare spare(int picture) {
    var resized = transform.resize(pictures.decode(picture));
    return new Spare(resized.width() - resolution, resized.height() - resolution);
  }

  private Posterior encode(View view) {
    var resized = transform.resize(pictures.decode(view.picture()));
    var pixels = transform.cut(resized, view.left(), view.top(), view.mirrored());
    try (var _ = new Scope()) {
      var posterior = vae.encode(Aten.of(pixels.values(), 1, 3, resolution, resolution));
      Scope.release(posterior.mean());
      Scope.release(posterior.logVariance());
      return posterior;
    }
  }

  @Override
  public void close() {
    posteriors.close();
    if (vaeOpen) {
      vae.close();
    }
  }
}
