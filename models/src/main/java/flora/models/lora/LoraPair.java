package flora.models.lora;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.AdaptableLayer.Geometry;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.AdaptableLayer.Geometry.Dense;
import flora.models.weights.Adapter;
import java.util.List;

/**
 * One layer's low-rank change, {@code y + s·B(A(x))} (<a href="https://arxiv.org/abs/2106.09685">Hu
 * et al.</a>).
 *
 * <pre>
 *       x ──── W ────(+)── y
 *       └─ A ─ B ─ s ─┘        A: in → rank, B: rank → out
 * </pre>
 */
final class LoraPair implements Adapter {
  final Geometry geometry;
  final int index;
  final NDArray a; // [rank, in] or [rank, in, k, k]
  final NDArray b; // [out, rank] or [out, rank, 1, 1]
  private final Lora lora;

  LoraPair(Lora lora, Geometry geometry, int index, NDArray a, NDArray b) {
    this.lora = lora;
    this.geometry = geometry;
    this.index = index;
    this.a = a;
    this.b = b;
  }

  @Override
  public NDArray adapt(NDArray x, NDArray y) {
    double scale = lora.scale();
    if (scale == 0) {
      return y;
    }
    NDArray mask = lora.mask(index, x.getShape());
    NDArray dropped = mask == null ? x : Aten.mul(x, mask);
    return switch (geometry) {
      case Dense _ -> Aten.lora(y, dropped, a, b, scale);
      case Convolution c -> {
        NDArray low = Aten.conv2d(dropped, a, null, c.stride(), c.padding());
        yield Aten.add(y, Aten.mul(Aten.conv2d(low, b, null, 1, 0), scale));
      }
    };
  }

  @Override
  public List<NDArray> parameters() {
    return List.of(a, b);
  }

  static long[] shapeOfA(Geometry geometry, int rank) {
    return switch (geometry) {
      case Dense d -> new long[] {rank, d.inputs()};
      case Convolution c -> new long[] {rank, c.inputs(), c.kernel(), c.kernel()};
    };
  }

  static long[] shapeOfB(Geometry geometry, int rank) {
    return switch (geometry) {
      case Dense d -> new long[] {d.outputs(), rank};
      case Convolution c -> new long[] {c.outputs(), rank, 1, 1};
    };
  }
}
