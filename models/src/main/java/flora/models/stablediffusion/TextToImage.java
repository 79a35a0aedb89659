package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipTextEncoder;
import flora.models.clip.TextConditioning;
import flora.models.image.RgbImage;
import flora.models.random.RandomStream;
import flora.models.scheduler.Sampler;
import flora.models.tokenizer.ClipTokenizer;
import java.nio.file.Path;
import java.util.List;

/**
 * Draws pictures from texts with a Stable Diffusion model; diffusers' {@code
 * StableDiffusionPipeline}.
 *
 * <p>An adapter on the UNet's layers acts here too. Not for several threads at once.
 */
public final class TextToImage implements AutoCloseable {

  /**
   * What to draw.
   *
   * @param prompt what is wanted
   * @param negativePrompt what is not wanted; only with guidance above 1
   * @param guidance how strictly to follow the prompt (<a
   *     href="https://arxiv.org/abs/2207.12598">Ho and Salimans</a>); 1 = no guidance
   * @param steps of the sampler
   * @param width in pixels, a multiple of the autoencoder's factor
   * @param height likewise
   * @param sampler how noise becomes a picture
   */
  public record Drawing(
      String prompt,
      String negativePrompt,
      double guidance,
      int steps,
      int width,
      int height,
      Sampler.Kind sampler) {}

  /** Is told of every step of a drawing. */
  @FunctionalInterface
  public interface Steps {
    /** The latents after a step, counted from 0; not to be changed. */
    void done(int step, float[] latents);
  }

  private final TextConditioning text;
  private final UNet unet;
  private final Vae vae;
  private final ModelConfig schedulerConfig;

  /** Reads a folder in diffusers' layout, {@code model_index.json} and a folder for each part. */
  public static TextToImage open(Path folder) {
    ModelConfig.read(folder.resolve("model_index.json"))
        .only("_class_name", "StableDiffusionPipeline");
    var tokenizer = ClipTokenizer.load(folder.resolve("tokenizer"));
    ModelConfig scheduler =
        ModelConfig.read(folder.resolve("scheduler").resolve("scheduler_config.json"));
    var textEncoder = ClipTextEncoder.open(folder.resolve("text_encoder"));
    try {
      UNet unet = UNet.open(folder.resolve("unet"));
      try {
        return new TextToImage(
            tokenizer, textEncoder, unet, Vae.open(folder.resolve("vae")), scheduler);
      } catch (RuntimeException e) {
        unet.close();
        throw e;
      }
    } catch (RuntimeException e) {
      textEncoder.close();
      throw e;
    }
  }

  /** Takes parts that are open already; closing this closes them. */
  public TextToImage(
      ClipTokenizer tokenizer,
      ClipTextEncoder textEncoder,
      UNet unet,
      Vae vae,
      ModelConfig schedulerConfig) {
    this(TextConditioning.plain(textEncoder, tokenizer), unet, vae, schedulerConfig);
  }

  /** The same with texts read as a training reads them. */
  public TextToImage(TextConditioning text, UNet unet, Vae vae, ModelConfig schedulerConfig) {
    this.text = text;
    this.unet = unet;
    this.vae = vae;
    this.schedulerConfig = schedulerConfig;
  }

  /** The denoiser, for adapters. */
  public UNet unet() {
    return unet;
  }

  /** What tells the denoiser of the text, for adapters. */
  public ClipTextEncoder textEncoder() {
    return text.encoder();
  }

  /** The sampler that the model's own configuration names. */
  public Sampler.Kind ownSampler() {
    return Sampler.Kind.of(schedulerConfig);
  }

  /** A picture that is a pure function of the drawing and the seed. */
  public RgbImage draw(Drawing drawing, long seed) {
    return draw(drawing, seed, (step, latents) -> {});
  }

  /** The same, watched step by step. */
  public RgbImage draw(Drawing drawing, long seed, Steps seen) {
    int count = Math.toIntExact(latentCount(drawing));
    try (var _ = new Scope()) {
      float[] noise = RandomStream.of(seed, "latents").normal(0, 0, count);
      NDArray latents = denoise(drawing, noise, Sampler.Noise.seeded(seed), seen);
      return image(drawing, pixels(latents).toFloatArray());
    }
  }

  /**
   * The latents that a drawing ends with, scaled as the UNet sees them.
   *
   * @param noise standard normal, {@code [latent, height/f, width/f]} row by row
   */
  public NDArray denoise(Drawing drawing, float[] noise) {
    return denoise(drawing, noise, (step, latents) -> {});
  }

  /** The same, watched step by step. */
  public NDArray denoise(Drawing drawing, float[] noise, Steps seen) {
    return denoise(drawing, noise, Sampler.Noise.seeded(0), seen);
  }

  private NDArray denoise(Drawing drawing, float[] noise, Sampler.Noise ancestral, Steps seen) {
    long[] shape = latentShape(drawing);
    if (noise.length != latentCount(drawing)) {
      throw new IllegalArgumentException(
          "%d values of noise, expected %d".formatted(noise.length, latentCount(drawing)));
    }
    boolean guided = drawing.guidance() > 1;
    try (var scope = new Scope()) {
      NDArray context =
          guided
              ? embed(List.of(drawing.negativePrompt(), drawing.prompt()))
              : embed(List.of(drawing.prompt()));
      Sampler sampler = Sampler.of(drawing.sampler(), schedulerConfig, drawing.steps(), ancestral);
      float[] x = scaled(noise, sampler.initialSigma());
      for (int i = 0; i < sampler.steps(); i++) {
        float time = (float) sampler.timestep(i);
        float[] predicted;
        try (var _ = new Scope()) {
          NDArray input = Aten.of(scaled(x, sampler.inputScale(i)), shape);
          predicted =
              guided
                  ? guide(
                      unet.forward(
                              Aten.cat(List.of(input, input), 0), new float[] {time, time}, context)
                          .toFloatArray(),
                      drawing.guidance())
                  : unet.forward(input, new float[] {time}, context).toFloatArray();
        }
        x = sampler.step(i, predicted, x);
        seen.done(i, x);
      }
      return scope.keep(Aten.of(x, shape));
    }
  }

  /** Decodes scaled latents to {@code [n, 3, h, w]} within [0, 1]. */
  public NDArray pixels(NDArray latents) {
    return Scope.keeping(
        () -> {
          NDArray x = vae.decode(vae.unscale(latents));
          return Aten.clamp(Aten.add(Aten.div(x, 2), 0.5), 0, 1);
        });
  }

  /** The text encoder's states of each text, {@code [n, t, size]}. */
  public NDArray embed(List<String> texts) {
    return text.encode(texts);
  }

  @Override
  public void close() {
    text.encoder().close();
    unet.close();
    vae.close();
  }

  private long[] latentShape(Drawing drawing) {
    int factor = vae.config().factor();
    if (drawing.width() < factor
        || drawing.height() < factor
        || drawing.width() % factor != 0
        || drawing.height() % factor != 0) {
      throw new IllegalArgumentException(
          "%d × %d pixels; width and height must be multiples of %d"
              .formatted(drawing.width(), drawing.height(), factor));
    }
    return new long[] {
      1, vae.config().latentChannels(), drawing.height() / factor, drawing.width() / factor
    };
  }

  private long latentCount(Drawing drawing) {
    long[] shape = latentShape(drawing);
    return shape[1] * shape[2] * shape[3];
  }

  /** {@code [1, 3, h, w]} within [0, 1] to bytes, rounded as the peer rounds: halves to even. */
  private static RgbImage image(Drawing drawing, float[] planes) {
    int size = drawing.width() * drawing.height();
    var bytes = new byte[3 * size];
    for (int i = 0; i < size; i++) {
      for (int channel = 0; channel < 3; channel++) {
        bytes[3 * i + channel] = (byte) (int) Math.rint(planes[channel * size + i] * 255f);
      }
    }
    return new RgbImage(drawing.width(), drawing.height(), bytes);
  }

  /** {@code without + g·(with − without)}; the first half of the batch is without the prompt. */
  private static float[] guide(float[] both, double guidance) {
    int n = both.length / 2;
    var guided = new float[n];
    for (int i = 0; i < n; i++) {
      guided[i] = both[i] + (float) guidance * (both[n + i] - both[i]);
    }
    return guided;
  }

  private static float[] scaled(float[] x, double factor) {
    if (factor == 1) {
      return x;
    }
    var scaled = new float[x.length];
    for (int i = 0; i < x.length; i++) {
      scaled[i] = x[i] * (float) factor;
    }
    return scaled;
  }
}
