package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Adapter;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * {@code x·wᵀ + b} in the {@link Precision} of its weights, with an activation behind it where one
 * is given: {@code [..., in] → [..., out]}. Adapters are for fp32 alone.
 */
public final class Linear implements AdaptableLayer {
  private final String name;
  private final Geometry.Dense geometry;
  private final Product product;
  private @Nullable Adapter adapter;

  public Linear(Weights weights, int in, int out, boolean hasBias) {
    this(weights, in, out, hasBias, null);
  }

  /** With an activation, which is computed on the way out where the precision can. */
  public Linear(
      Weights weights, int in, int out, boolean hasBias, @Nullable Activation activation) {
    this(weights, new Geometry.Dense(in, out), hasBias, activation, 1, 1);
  }

  /**
   * With a changed weight and bias, in other precisions than fp32: those copy them anyway.
   *
   * @param weightScale by what the weight is multiplied
   * @param biasScale by what the bias is multiplied
   */
  Linear(
      Weights weights,
      Geometry.Dense geometry,
      boolean hasBias,
      @Nullable Activation activation,
      double weightScale,
      double biasScale) {
    this.name = weights.path();
    this.geometry = geometry;
    int in = geometry.inputs();
    int out = geometry.outputs();
    if (weights.precision() == Precision.FP32) {
      NDArray weight = weights.tensor("weight", out, in);
      product = new Product.Plain(weight, hasBias ? weights.tensor("bias", out) : null, activation);
    } else {
      try (var _ = new Scope()) {
        NDArray weight = weights.borrow("weight", out, in);
        NDArray bias =
            hasBias ? weights.hold(Aten.mul(weights.borrow("bias", out), biasScale)) : null;
        product =
            Product.packed(
                weights,
                weightScale == 1 ? weight : Aten.mul(weight, weightScale),
                bias,
                activation);
      }
    }
    weights.announce(this);
    weights.count(product.precision());
  }

  public NDArray forward(NDArray x) {
    return adapter == null ? product.of(x) : adapted(adapter, x);
  }

  /** {@code y + forward(x)}; y has the shape of the result. */
  public NDArray forwardAdd(NDArray x, NDArray y) {
    return adapter == null ? product.plus(x, y) : Aten.add(y, adapted(adapter, x));
  }

  private NDArray adapted(Adapter adapter, NDArray x) {
    if (!(product instanceof Product.Plain plain)) {
      throw new IllegalStateException(name + " has an adapter although it is no fp32 layer");
    }
    NDArray y = adapter.adapt(x, plain.linear(x));
    return plain.activation() == null ? y : plain.activation().apply(y);
  }

  /** How it computes: a small layer of an int8 network is one of packed fp32. */
  public Precision precision() {
    return product.precision();
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Geometry geometry() {
    return geometry;
  }

  /**
   * Sets the adapter, or removes it.
   *
   * @throws IllegalStateException if the precision is not fp32
   */
  @Override
  public void adapt(@Nullable Adapter adapter) {
    if (adapter != null && precision() != Precision.FP32) {
      throw new IllegalStateException(
          "%s computes in %s; adapters need a network that was opened in %s"
              .formatted(name, precision(), Precision.FP32));
    }
    this.adapter = adapter;
  }

  @Override
  public List<NDArray> parameters() {
    return adapter == null ? List.of() : adapter.parameters();
  }
}
