package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import flora.models.aten.Aten;
import flora.models.aten.Segments;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One resolution on the way up: residual blocks that also see what the way down left, each followed
 * by a transformer where the configuration says so, then twice the size; diffusers' {@code
 * UpBlock2D} and {@code CrossAttnUpBlock2D}.
 */
final class UpBlock {
  private final List<ResnetBlock> resnets = new ArrayList<>();
  private final List<SpatialTransformer> attentions = new ArrayList<>();
  private final @Nullable Upsample upsample;

  /**
   * @param i which, from the innermost
   * @param below channels that come from below
   */
  UpBlock(UNetConfig config, int i, int below, Weights weights) {
    int mirrored = config.channels().size() - 1 - i;
    int out = config.channels().get(mirrored);
    int outer = config.channels().get(Math.max(mirrored - 1, 0));
    int layers = config.layers().get(mirrored) + 1;
    for (int layer = 0; layer < layers; layer++) {
      int skip = layer == layers - 1 ? outer : out;
      int in = layer == 0 ? below : out;
      String name = Integer.toString(layer);
      resnets.add(
          new ResnetBlock(config.resnets(), in + skip, out, weights.child("resnets").child(name)));
      if (config.upAttention().get(i)) {
        attentions.add(
            new SpatialTransformer(
                config.transformers(mirrored), weights.child("attentions").child(name)));
      }
    }
    upsample = mirrored == 0 ? null : new Upsample(weights.child("upsamplers").child("0"), out);
  }

  /**
   * {@code [n, below, h, w] → [n, out, 2h, 2w]}, or the size of the next skip where that was odd.
   *
   * @param skips from the way down, innermost first; those used are taken away
   */
  NDArray forward(NDArray x, NDArray time, NDArray context, Deque<NDArray> skips) {
    for (int i = 0; i < resnets.size(); i++) {
      x = Aten.cat(List.of(x, skips.removeLast()), 1);
      x = resnets.get(i).forward(x, time);
      if (!attentions.isEmpty()) {
        x = attentions.get(i).forward(x, context);
      }
    }
    NDArray next = skips.peekLast();
    if (upsample == null || next == null) {
      return x;
    }
    return upsample.forward(x, next.getShape().get(2), next.getShape().get(3));
  }

  /**
   * {@link #forward(NDArray, NDArray, NDArray, Deque)} in segments; numbers are those of values.
   */
  int forward(Segments segments, int x, int time, int context, Deque<Integer> skips) {
    for (int i = 0; i < resnets.size(); i++) {
      x = resnets.get(i).forward(segments, x, skips.removeLast(), time);
      if (!attentions.isEmpty()) {
        x = attentions.get(i).forward(segments, x, context);
      }
    }
    Integer next = skips.peekLast();
    if (upsample == null || next == null) {
      return x;
    }
    Shape shape = segments.value(next).getShape();
    return upsample.forward(segments, x, shape.get(2), shape.get(3));
  }
}
