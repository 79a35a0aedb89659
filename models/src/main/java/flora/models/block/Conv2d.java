package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Adapter;
import flora.models.weights.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A convolution with a square kernel and a bias: {@code [n, in, h, w] → [n, out, h', w']}. */
public final class Conv2d implements AdaptableLayer {
  /** Where columns beat the engine's convolution on processors: many channels, few pixels. */
  private static final int MANY_CHANNELS = 1280;

  private static final int FEW_PIXELS = 64;

  private final String name;
  private final Geometry.Convolution geometry;
  private final NDArray weight; // [out, in, k, k]
  private final @Nullable NDArray bias; // [out]
  private @Nullable Adapter adapter;

  public Conv2d(Weights weights, Geometry.Convolution geometry, boolean hasBias) {
    this.name = weights.path();
    this.geometry = geometry;
    int kernel = geometry.kernel();
    weight = weights.tensor("weight", geometry.outputs(), geometry.inputs(), kernel, kernel);
    bias = hasBias ? weights.tensor("bias", geometry.outputs()) : null;
    weights.announce(this);
  }

  /** A 3×3 convolution that keeps the size. */
  public static Conv2d same(Weights weights, int in, int out) {
    return new Conv2d(weights, new Geometry.Convolution(in, out, 3, 1, 1), true);
  }

  /** A 1×1 convolution. */
  public static Conv2d pointwise(Weights weights, int in, int out) {
    return new Conv2d(weights, new Geometry.Convolution(in, out, 1, 1, 0), true);
  }

  public NDArray forward(NDArray x) {
    NDArray y =
        bias != null && isDeep(x)
            ? Aten.conv2dColumns(x, weight, bias)
            : Aten.conv2d(x, weight, bias, geometry.stride(), geometry.padding());
    return adapter == null ? y : adapter.adapt(x, y);
  }

  private boolean isDeep(NDArray x) {
    int kernel = geometry.kernel();
    return kernel > 1
        && kernel % 2 == 1
        && geometry.stride() == 1
        && geometry.padding() == kernel / 2
        && geometry.inputs() >= MANY_CHANNELS
        && x.getShape().get(2) * x.getShape().get(3) <= FEW_PIXELS;
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  @Override
  public void adapt(@Nullable Adapter adapter) {
    this.adapter = adapter;
  }

  @Override
  public List<NDArray> parameters() {
    return adapter == null ? List.of() : adapter.parameters();
  }
}
