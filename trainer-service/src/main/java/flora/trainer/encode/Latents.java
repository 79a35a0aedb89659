package flora.trainer.encode;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.image.TrainingTransform;
import flora.models.random.RandomStream;
import flora.models.stablediffusion.Posterior;
import flora.models.stablediffusion.Vae;
import flora.schemas.Sha256;
import flora.schemas.dataset.Bucket;
import flora.schemas.request.PicturePlan;
import flora.trainer.data.DataOrder.Batch;
import flora.trainer.data.DataOrder.Draw;
import flora.trainer.data.PictureSet;
import flora.trainer.data.SampleList;
import flora.trainer.data.View;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SequencedSet;
import java.util.SortedMap;

/**
 * Pictures as the denoiser sees them: {@code latent_dist.sample() · scaling_factor} of the
 * autoencoder. The distribution of a view is computed once; each showing draws its own sample.
 */
public final class Latents implements AutoCloseable {

  private final Vae vae;
  private final PictureSet pictures;
  private final SampleList samples;
  private final View.Chooser chooser;
  private final RandomStream noises;
  private final RandomStream still;
  private final Frozen frozen;
  private final SortedMap<String, Sha256> network;
  private final EncodingCache<View, Posterior> posteriors;
  private boolean vaeOpen = true;

  /** Takes over the autoencoder. */
  public Latents(
      Vae vae,
      PictureSet pictures,
      SampleList samples,
      PicturePlan plan,
      long seed,
      Frozen frozen,
      long cacheBytes) {
    this.vae = vae;
    this.pictures = pictures;
    this.samples = samples;
    this.chooser = new View.Chooser(seed, plan);
    this.noises = RandomStream.of(seed, "latents");
    this.still = RandomStream.of(seed, "validation-latents");
    this.frozen = frozen;
    this.network = frozen.autoencoder();
    this.posteriors =
        new EncodingCache<>(
            cacheBytes,
            this::encode,
            posterior -> 2 * Float.BYTES * posterior.mean().size(),
            posterior -> {
              posterior.mean().close();
              posterior.logVariance().close();
            });
  }

  /** Pixels of a side that one latent stands for. */
  public int factor() {
    return vae.config().factor();
  }

  /** Numbers for each place. */
  public int channels() {
    return vae.config().latentChannels();
  }

  /** {@code [1, channels, height, width]} of a picture in a bucket. */
  public long[] shape(Bucket bucket) {
    return new long[] {1, channels(), bucket.height() / factor(), bucket.width() / factor()};
  }

  /** Elements of a picture's latents. */
  public int elements(Bucket bucket) {
    return channels() * (bucket.height() / factor()) * (bucket.width() / factor());
  }

  /**
   * Encodes the pictures in advance and frees the autoencoder, if their views can be counted and
   * all of them fit.
   *
   * @param heldOut pictures whose middle is looked at
   * @param proceed called after each
   */
  public void encodeAll(SequencedSet<Integer> needed, List<Integer> heldOut, Runnable proceed) {
    var views = new ArrayList<View>();
    long bytes = 0;
    for (int picture : needed) {
      var all = chooser.all(picture, samples.place(picture));
      views.addAll(all);
      bytes += all.size() * 2L * Float.BYTES * elements(samples.place(picture).bucket());
      if (all.isEmpty() || bytes > posteriors.capacity()) {
        return;
      }
    }
    for (int picture : heldOut) {
      views.add(chooser.middle(picture, samples.place(picture)));
      bytes += 2L * Float.BYTES * elements(samples.place(picture).bucket());
    }
    if (bytes > posteriors.capacity()) {
      return;
    }
    for (var view : views) {
      posteriors.get(view);
      proceed.run();
    }
    vae.close();
    vaeOpen = false;
  }

  /** The latents of a batch, {@code [n, channels, height, width]}, in the caller's scope. */
  public NDArray batch(Batch batch) {
    posteriors.trim();
    try (var scope = new Scope()) {
      var bucket = batch.bucket();
      var latents =
          batch.draws().stream()
              .map(
                  draw -> {
                    var noise = noises.normal(draw.number(), 0, elements(bucket));
                    return posteriors.get(view(draw)).sample(Aten.of(noise, shape(bucket)));
                  })
              .toList();
      return scope.keep(vae.scale(Aten.cat(latents, 0)));
    }
  }

  /** The latents of a picture's middle, always the same, in the caller's scope. */
  public NDArray middle(int picture) {
    posteriors.trim();
    try (var scope = new Scope()) {
      var view = chooser.middle(picture, samples.place(picture));
      var noise = still.normal(picture, 0, elements(view.bucket()));
      var sample = posteriors.get(view).sample(Aten.of(noise, shape(view.bucket())));
      return scope.keep(vae.scale(sample));
    }
  }

  private View view(Draw draw) {
    return chooser.choose(draw, samples.place(draw.picture()));
  }

  /** Views that come again are kept from run to run. */
  private Posterior encode(View view) {
    var placed = samples.place(view.picture());
    if (chooser.all(view.picture(), placed).isEmpty()
        && !view.equals(chooser.middle(view.picture(), placed))) {
      return compute(view);
    }
    var key =
        new EncodingKey.View(
            pictures.sha256(view.picture()),
            view.cut(),
            network,
            frozen.compute(),
            EncodingKey.VERSION);
    long[] shape = shape(view.bucket());
    // mean, then logarithm of the variance
    var extents = EncodingStore.extents(2, shape[1], shape[2], shape[3]);
    var known = frozen.store().find(key, extents);
    if (known.isPresent()) {
      int half = elements(view.bucket());
      return new Posterior(
          Scope.release(Aten.of(Arrays.copyOf(known.get(), half), shape)),
          Scope.release(Aten.of(Arrays.copyOfRange(known.get(), half, 2 * half), shape)));
    }
    var posterior = compute(view);
    float[] mean = posterior.mean().toFloatArray();
    float[] both = Arrays.copyOf(mean, 2 * mean.length);
    System.arraycopy(posterior.logVariance().toFloatArray(), 0, both, mean.length, mean.length);
    frozen.store().put(key, extents, both);
    return posterior;
  }

  private Posterior compute(View view) {
    var pixels = TrainingTransform.apply(pictures.decode(view.picture()), view.cut());
    try (var _ = new Scope()) {
      var posterior = vae.encode(Aten.of(pixels.values(), 1, 3, pixels.height(), pixels.width()));
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
