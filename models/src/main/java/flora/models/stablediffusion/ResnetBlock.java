package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Activation;
import flora.models.block.Conv2d;
import flora.models.block.GroupNorm;
import flora.models.block.Linear;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Two normalised convolutions around a residual connection, told the time (<a
 * href="https://arxiv.org/abs/2006.11239">Ho et al.</a>); diffusers' {@code ResnetBlock2D}.
 */
final class ResnetBlock {

  /**
   * What all residual blocks of a network have in common.
   *
   * @param timeChannels size of the time embedding; 0 = the block is not told the time
   * @param scaleShift the time scales and shifts the second normalisation instead of being added
   * @param outputScale divides the output
   */
  record Style(
      int timeChannels,
      int groups,
      double eps,
      Activation activation,
      boolean scaleShift,
      double outputScale) {

    /** The same with another divisor of the output. */
    Style scaledBy(double scale) {
      return new Style(timeChannels, groups, eps, activation, scaleShift, scale);
    }
  }

  private final Style style;
  private final GroupNorm norm1;
  private final Conv2d conv1;
  private final @Nullable Linear timeProjection;
  private final GroupNorm norm2;
  private final Conv2d conv2;
  private final @Nullable Conv2d shortcut;
  private final List<AdaptableLayer> layers;

  ResnetBlock(Style style, int in, int out, Weights weights) {
    this.style = style;
    norm1 = new GroupNorm(weights.child("norm1"), style.groups(), in, style.eps());
    conv1 = Conv2d.same(weights.child("conv1"), in, out);
    timeProjection =
        style.timeChannels() == 0
            ? null
            : new Linear(
                weights.child("time_emb_proj"),
                style.timeChannels(),
                style.scaleShift() ? 2 * out : out,
                true);
    norm2 = new GroupNorm(weights.child("norm2"), style.groups(), out, style.eps());
    conv2 = Conv2d.same(weights.child("conv2"), out, out);
    shortcut = in == out ? null : Conv2d.pointwise(weights.child("conv_shortcut"), in, out);
    layers = List.copyOf(weights.layers().values());
  }

  /** {@link #forward(NDArray, NDArray)} as a segment. */
  int forward(Segments segments, int x, int time) {
    return segments.single(
        List.of(x, time),
        AdaptableLayer.parameters(layers),
        values -> forward(values.get(0), values.get(1)));
  }

  /** The same for what lies side by side: the first channels are x's, the others the skip's. */
  int forward(Segments segments, int x, int skip, int time) {
    return segments.single(
        List.of(x, skip, time),
        AdaptableLayer.parameters(layers),
        values -> {
          try (var scope = new Scope()) {
            NDArray both = Aten.cat(List.of(values.get(0), values.get(1)), 1);
            return scope.keep(forward(both, values.get(2)));
          }
        });
  }

  /**
   * {@code [n, in, h, w] → [n, out, h, w]}.
   *
   * @param time {@code [n, time]}; ignored by a block that is not told the time
   */
  NDArray forward(NDArray x, @Nullable NDArray time) {
    try (var scope = new Scope()) {
      NDArray h = conv1.forward(style.activation().apply(norm1.forward(x)));
      if (timeProjection == null || time == null) {
        h = norm2.forward(h);
      } else {
        NDArray t = timeProjection.forward(style.activation().apply(time)); // [n, out or 2·out]
        h =
            style.scaleShift()
                ? Aten.scaleShift(norm2.forward(h), t)
                : norm2.forward(Aten.addChannels(h, t));
      }
      h = conv2.forward(style.activation().apply(h));
      NDArray y = Aten.add(shortcut == null ? x : shortcut.forward(x), h);
      return scope.keep(style.outputScale() == 1 ? y : Aten.div(y, style.outputScale()));
    }
  }
}
