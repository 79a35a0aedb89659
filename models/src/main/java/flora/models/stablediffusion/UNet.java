package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Conv2d;
import flora.models.block.GroupNorm;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.WeightPages;
import flora.models.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;

/**
 * The denoiser of Stable Diffusion (<a href="https://arxiv.org/abs/2112.10752">Rombach et al.</a>):
 * what noise, or which velocity, is in these latents at this time, given this text. diffusers'
 * {@code UNet2DConditionModel}.
 */
public final class UNet implements AutoCloseable {
  private final UNetConfig config;
  private final Weights weights;
  private final TimestepEmbedding timeEmbedding;
  private final Conv2d convIn;
  private final List<DownBlock> downBlocks = new ArrayList<>();
  private final MidBlock midBlock;
  private final List<UpBlock> upBlocks = new ArrayList<>();
  private final GroupNorm normOut;
  private final Conv2d convOut;

  /** Reads {@code config.json} and the weights beside it. */
  public static UNet open(Path folder) {
    UNetConfig config = UNetConfig.read(folder.resolve("config.json"));
    Weights weights = Weights.open(folder);
    try {
      return new UNet(config, weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  /** Builds the network; it closes the weights when it is closed. */
  public UNet(UNetConfig config, Weights weights) {
    this.config = config;
    this.weights = weights;
    List<Integer> channels = config.channels();
    int outermost = channels.getFirst();
    convIn = conv(weights.child("conv_in"), config.inChannels(), outermost, config.inKernel());
    timeEmbedding = new TimestepEmbedding(config, weights.child("time_embedding"));
    int in = outermost;
    for (int i = 0; i < channels.size(); i++) {
      downBlocks.add(new DownBlock(config, i, in, child(weights, "down_blocks", i)));
      in = channels.get(i);
    }
    midBlock = new MidBlock(config, weights.child("mid_block"));
    for (int i = 0; i < channels.size(); i++) {
      upBlocks.add(new UpBlock(config, i, in, child(weights, "up_blocks", i)));
      in = channels.get(channels.size() - 1 - i);
    }
    normOut =
        new GroupNorm(weights.child("conv_norm_out"), config.groups(), outermost, config.eps());
    convOut = conv(weights.child("conv_out"), outermost, config.outChannels(), config.outKernel());
    weights.requireAllUsed(key -> false);
  }

  public UNetConfig config() {
    return config;
  }

  /** The layers that an adapter may change, by path. */
  public Map<String, AdaptableLayer> layers() {
    return weights.layers();
  }

  /** The memory of the mapped weights, to be given back between segments where it is scarce. */
  public Optional<WeightPages> pages() {
    return WeightPages.of(weights);
  }

  /**
   * The prediction for noised latents.
   *
   * @param latents {@code [n, in, h, w]} of any size
   * @param timesteps one per sample
   * @param context {@code [n, s, context]}, the text encoder's last hidden state
   * @return {@code [n, out, h, w]}
   */
  public NDArray forward(NDArray latents, float[] timesteps, NDArray context) {
    return forward(latents, timesteps, context, (block, x) -> {});
  }

  /**
   * The same, watched.
   *
   * @param seen is shown each block's output by the block's path; valid only during the call
   */
  public NDArray forward(
      NDArray latents, float[] timesteps, NDArray context, BiConsumer<String, NDArray> seen) {
    try (var scope = new Scope()) {
      NDArray x = centered(latents);
      NDArray waves = timeEmbedding.waves(timesteps);
      seen.accept("time_proj", waves);
      NDArray time = timeEmbedding.forward(waves); // [n, time]
      seen.accept("time_embedding", time);
      x = convIn.forward(x); // [n, c₀, h, w]
      seen.accept("conv_in", x);
      var skips = new ArrayDeque<NDArray>();
      skips.add(x);
      var made = new ArrayList<NDArray>();
      for (int i = 0; i < downBlocks.size(); i++) {
        x = downBlocks.get(i).forward(x, time, context, made);
        seen.accept("down_blocks." + i, x);
      }
      skips.addAll(made);
      x = midBlock.forward(x, time, context);
      seen.accept("mid_block", x);
      for (int i = 0; i < upBlocks.size(); i++) {
        x = upBlocks.get(i).forward(x, time, context, skips);
        seen.accept("up_blocks." + i, x);
      }
      return scope.keep(prediction(x));
    }
  }

  /**
   * The prediction in segments of one residual block or one transformer each, for training.
   *
   * @param latents number of a value {@code [n, in, h, w]}
   * @param timesteps one per sample
   * @param context number of a value {@code [n, s, context]}
   * @return number of the prediction, {@code [n, out, h, w]}, bit by bit that of {@link
   *     #forward(NDArray, float[], NDArray)}
   */
  public int forward(Segments segments, int latents, float[] timesteps, int context) {
    int time = timeEmbedding.forward(segments, timesteps);
    int x =
        segments.single(
            List.of(latents),
            convIn.parameters(),
            values -> Scope.keeping(() -> convIn.forward(centered(values.getFirst()))));
    var skips = new ArrayDeque<Integer>();
    skips.add(x);
    for (DownBlock block : downBlocks) {
      x = block.forward(segments, x, time, context, skips);
    }
    x = midBlock.forward(segments, x, time, context);
    for (UpBlock block : upBlocks) {
      x = block.forward(segments, x, time, context, skips);
    }
    return segments.single(
        List.of(x),
        convOut.parameters(),
        values -> Scope.keeping(() -> prediction(values.getFirst())));
  }

  private NDArray centered(NDArray latents) {
    return config.centerInput() ? Aten.add(Aten.mul(latents, 2), -1) : latents;
  }

  private NDArray prediction(NDArray x) {
    return convOut.forward(config.activation().apply(normOut.forward(x)));
  }

  @Override
  public void close() {
    weights.close();
  }

  private static Conv2d conv(Weights weights, int in, int out, int kernel) {
    return new Conv2d(weights, new Convolution(in, out, kernel, 1, kernel / 2), true);
  }

  private static Weights child(Weights weights, String list, int i) {
    return weights.child(list).child(Integer.toString(i));
  }
}
