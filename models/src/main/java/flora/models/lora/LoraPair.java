package flora.models.lora;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.AdaptableLayer;
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
  final NDArray a; // [rank, in] or [rank, in, k, k]
  final NDArray b; // [out, rank] or [out, rank, 1, 1]
  final double scale;
  private final Lora lora;
  private final Geometry geometry;
  private final int index;

  LoraPair(Lora lora, AdaptableLayer layer, int index, double scale, NDArray a, NDArray b) {
    this.lora = lora;
    this.geometry = layer.geometry();
    this.index = index;
    this.scale = scale;
    this.a = a;
    this.b = b;
  }

  @Override
  public NDArray adapt(NDArray x, NDArray y) {
    double s = scale * lora.strength();
    if (s == 0) {
      return y;
    }
    NDArray dropped = lora.drop(x, index);
    return switch (geometry) {
      case Dense _ -> Aten.lora(y, dropped, a, b, s);
      case Convolution c -> {
        NDArray low = Aten.conv2d(dropped, a, null, c.stride(), c.padding());
        yield Aten.add(y, Aten.mul(Aten.conv2d(low, b, null, 1, 0), s));
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
