package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Conv2d;
import flora.models.weights.Weights;
import java.util.List;

/** Nearest-neighbour interpolation and a 3×3 convolution. */
final class Upsample {
  private final Conv2d conv;

  Upsample(Weights weights, int channels) {
    conv = Conv2d.same(weights.child("conv"), channels, channels);
  }

  /** {@code [n, c, h, w] → [n, c, 2h, 2w]}. */
  NDArray forward(NDArray x) {
    return forward(x, 2 * x.getShape().get(2), 2 * x.getShape().get(3));
  }

  /** {@code [n, c, h, w] → [n, c, height, width]}. */
  NDArray forward(NDArray x, long height, long width) {
    return Scope.keeping(() -> conv.forward(Aten.nearest(x, height, width)));
  }

  /** {@link #forward(NDArray, long, long)} as a segment. */
  int forward(Segments segments, int x, long height, long width) {
    return segments.single(
        List.of(x), conv.parameters(), values -> forward(values.getFirst(), height, width));
  }
}
