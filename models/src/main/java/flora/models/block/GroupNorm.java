package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.Weights;

/**
 * Normalises groups of channels (<a href="https://arxiv.org/abs/1803.08494">Wu and He</a>): {@code
 * [n, c, ...]} stays.
 */
public final class GroupNorm {
  private final int groups;
  private final double eps;
  private final NDArray weight; // [c]
  private final NDArray bias; // [c]

  public GroupNorm(Weights weights, int groups, int channels, double eps) {
    this.groups = groups;
    this.eps = eps;
    weight = weights.tensor("weight", channels);
    bias = weights.tensor("bias", channels);
  }

  public NDArray forward(NDArray x) {
    return Aten.groupNorm(x, groups, weight, bias, eps);
  }
}
