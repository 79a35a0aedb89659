package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Adapter;
import flora.models.weights.Weights;
import org.jspecify.annotations.Nullable;

/** An affine map of the last axis: {@code [..., in] → [..., out]}. */
public final class Linear implements AdaptableLayer {
  private final String name;
  private final Geometry.Dense geometry;
  private final NDArray weight; // [out, in]
  private final @Nullable NDArray bias; // [out]
  private @Nullable Adapter adapter;

  public Linear(Weights weights, int in, int out, boolean hasBias) {
    name = weights.path();
    geometry = new Geometry.Dense(in, out);
    weight = weights.tensor("weight", out, in);
    bias = hasBias ? weights.tensor("bias", out) : null;
    weights.announce(this);
  }

  public NDArray forward(NDArray x) {
    NDArray y = Aten.linear(x, weight, bias);
    return adapter == null ? y : adapter.adapt(x, y);
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
}
