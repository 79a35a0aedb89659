package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.Weights;

/**
 * Normalises the last axis (<a href="https://arxiv.org/abs/1607.06450">Ba, Kiros and Hinton</a>):
 * {@code [..., d]} stays.
 */
public final class LayerNorm {
  private final double eps;
  private final NDArray weight; // [d]
  private final NDArray bias; // [d]

  public LayerNorm(Weights weights, int size, double eps) {
    this.eps = eps;
    weight = weights.tensor("weight", size);
    bias = weights.tensor("bias", size);
  }

  public NDArray forward(NDArray x) {
    return Aten.layerNorm(x, weight, bias, eps);
  }
}
