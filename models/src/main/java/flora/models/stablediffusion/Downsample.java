package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Segments;
import flora.models.block.Conv2d;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.Weights;
import java.util.List;

/** A 3×3 convolution with stride 2: {@code [n, c, h, w] → [n, c, h/2, w/2]}. */
final class Downsample {
  private final int padding;
  private final Conv2d conv;

  /**
   * @param padding on all sides; 0 = one row and one column, below and to the right, as the
   *     autoencoder does
   */
  Downsample(Weights weights, int channels, int padding) {
    this.padding = padding;
    conv =
        new Conv2d(weights.child("conv"), new Convolution(channels, channels, 3, 2, padding), true);
  }

  NDArray forward(NDArray x) {
    return conv.forward(padding == 0 ? Aten.pad(x, 0, 0, 1, 0, 1) : x);
  }

  /** {@link #forward(NDArray)} as a segment. */
  int forward(Segments segments, int x) {
    return segments.single(List.of(x), conv.parameters(), values -> forward(values.getFirst()));
  }
}
