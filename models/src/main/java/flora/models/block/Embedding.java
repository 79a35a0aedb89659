package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.Weights;

/** A table of vectors: int64 {@code [...] → [..., d]}. */
public final class Embedding {
  private final NDArray weight; // [count, d]

  public Embedding(Weights weights, int count, int size) {
    weight = weights.tensor("weight", count, size);
  }

  public NDArray forward(NDArray ids) {
    return Aten.embedding(weight, ids);
  }
}
