package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.weights.AdaptableLayer.Geometry;
import flora.models.weights.Precision;
import flora.models.weights.Weights;

/**
 * A transformer's two linear layers with an activation between them: {@code y + second(
 * activation(first(x)))}, {@code [..., size]} stays.
 */
public final class FeedForward {
  /** {@code x·σ(1.702·x) = silu(1.702·x) / 1.702}. */
  private static final double QUICK = 1.702;

  private final Linear first;
  private final Linear second;

  public FeedForward(
      Weights first, Weights second, int size, int innerSize, Activation activation) {
    var up = new Geometry.Dense(size, innerSize);
    var down = new Geometry.Dense(innerSize, size);
    if (activation == Activation.QUICK_GELU && first.precision() != Precision.FP32) {
      this.first = new Linear(first, up, true, Activation.SILU, QUICK, QUICK);
      this.second = new Linear(second, down, true, null, 1 / QUICK, 1);
    } else {
      this.first = new Linear(first, size, innerSize, true, activation);
      this.second = new Linear(second, innerSize, size, true);
    }
  }

  /** y and x of the same shape. */
  public NDArray forward(NDArray x, NDArray y) {
    return second.forwardAdd(first.forward(x), y);
  }
}
