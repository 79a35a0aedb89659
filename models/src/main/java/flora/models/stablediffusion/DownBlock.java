package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Segments;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One resolution on the way down: residual blocks, each followed by a transformer where the
 * configuration says so, then half the size; diffusers' {@code DownBlock2D} and {@code
 * CrossAttnDownBlock2D}.
 */
final class DownBlock {
  private final List<ResnetBlock> resnets = new ArrayList<>();
  private final List<SpatialTransformer> attentions = new ArrayList<>();
  private final @Nullable Downsample downsample;

  /**
   * @param i which, from the outermost
   * @param in channels that come in
   */
  DownBlock(UNetConfig config, int i, int in, Weights weights) {
    int out = config.channels().get(i);
    for (int layer = 0; layer < config.layers().get(i); layer++) {
      String name = Integer.toString(layer);
      resnets.add(
          new ResnetBlock(
              config.resnets(), layer == 0 ? in : out, out, weights.child("resnets").child(name)));
      if (config.downAttention().get(i)) {
        attentions.add(
            new SpatialTransformer(
                config.transformers(i), weights.child("attentions").child(name)));
      }
    }
    boolean last = i == config.channels().size() - 1;
    downsample =
        last
            ? null
            : new Downsample(
                weights.child("downsamplers").child("0"), out, config.downsamplePadding());
  }

  /**
   * {@code [n, in, h, w] → [n, out, h/2, w/2]}.
   *
   * @param skips receives what the way up will need
   */
  NDArray forward(NDArray x, NDArray time, NDArray context, List<NDArray> skips) {
    for (int i = 0; i < resnets.size(); i++) {
      x = resnets.get(i).forward(x, time);
      if (!attentions.isEmpty()) {
        x = attentions.get(i).forward(x, context);
      }
      skips.add(x);
    }
    if (downsample != null) {
      x = downsample.forward(x);
      skips.add(x);
    }
    return x;
  }

  /** {@link #forward(NDArray, NDArray, NDArray, List)} in segments; numbers are those of values. */
  int forward(Segments segments, int x, int time, int context, Deque<Integer> skips) {
    for (int i = 0; i < resnets.size(); i++) {
      x = resnets.get(i).forward(segments, x, time);
      if (!attentions.isEmpty()) {
        x = attentions.get(i).forward(segments, x, context);
      }
      skips.addLast(x);
    }
    if (downsample != null) {
      x = downsample.forward(segments, x);
      skips.addLast(x);
    }
    return x;
  }
}
