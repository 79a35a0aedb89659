package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * Linear layers with biases that read the same x, such as an attention's query, key and value:
 * {@code [..., in] → } as many {@code [..., out]}. In fp32 they are {@link Linear} layers with
 * adapters, one after the other; in other precisions one layer of all their outputs.
 */
public final class FusedLinear {
  private final List<Linear> layers = new ArrayList<>();
  private final List<Product> fused; // one or none
  private final int parts;

  /**
   * @param weights of each layer
   * @param outEach how many outputs each of them has
   */
  public FusedLinear(List<Weights> weights, int in, int outEach) {
    parts = weights.size();
    Weights first = weights.getFirst();
    if (first.precision() == Precision.FP32) {
      weights.forEach(each -> layers.add(new Linear(each, in, outEach, true)));
      fused = List.of();
      return;
    }
    try (var _ = new Scope()) {
      var dense = new ArrayList<NDArray>();
      var biases = new ArrayList<NDArray>();
      for (Weights each : weights) {
        dense.add(each.borrow("weight", outEach, in));
        biases.add(each.borrow("bias", outEach));
      }
      NDArray bias = first.hold(Aten.cat(biases, 0));
      fused = List.of(Product.packed(first, Aten.cat(dense, 0), bias, null));
      first.count(fused.getFirst().precision());
    }
  }

  /** The outputs in the order of the layers; views of one array, unless in fp32. */
  public List<NDArray> forward(NDArray x) {
    if (fused.isEmpty()) {
      return layers.stream().map(layer -> layer.forward(x)).toList();
    }
    return Aten.chunk(fused.getFirst().of(x), parts, -1);
  }

  /** How it computes. */
  public Precision precision() {
    return fused.isEmpty() ? Precision.FP32 : fused.getFirst().precision();
  }
}
