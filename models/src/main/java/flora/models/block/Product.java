package flora.models.block;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a linear layer computes, {@code activation(x·wᵀ + b)}, in one of the precisions: {@code
 * [..., in] → [..., out]}.
 */
sealed interface Product {
  /** Layers with a narrower side gain nothing from whole numbers. */
  int LEAST_INT8 = 32;

  NDArray of(NDArray x);

  /** {@code y + }{@link #of}; y has the shape of the result. */
  NDArray plus(NDArray x, NDArray y);

  Precision precision();

  /** The weight as it is stored; an activation follows as an operator of its own. */
  record Plain(NDArray weight, @Nullable NDArray bias, @Nullable Activation activation)
      implements Product {
    @Override
    public NDArray of(NDArray x) {
      NDArray y = linear(x);
      return activation == null ? y : activation.apply(y);
    }

    /** Without the activation. */
    NDArray linear(NDArray x) {
      long rows = x.size() / weight.getShape().get(1);
      boolean isOfPixels = Multiplier.here().prefersPixels(rows) && !x.getDevice().isGpu();
      return isOfPixels ? Aten.linearPixels(x, weight, bias) : Aten.linear(x, weight, bias);
    }

    @Override
    public NDArray plus(NDArray x, NDArray y) {
      return Aten.add(y, of(x));
    }

    @Override
    public Precision precision() {
      return Precision.FP32;
    }
  }

  /** The weight in the processor's order. */
  record Packed(NDArray weight, @Nullable NDArray bias, @Nullable Activation activation)
      implements Product {
    @Override
    public NDArray of(NDArray x) {
      return Activation.after(activation, by -> Aten.packedLinear(x, weight, by, bias));
    }

    @Override
    public NDArray plus(NDArray x, NDArray y) {
      return activation == null ? Aten.packedLinearAdd(x, y, weight, bias) : Aten.add(y, of(x));
    }

    @Override
    public Precision precision() {
      return Precision.FP32_PACKED;
    }
  }

  /** The weight in whole numbers. */
  record Int8(List<NDArray> weight, @Nullable NDArray bias, @Nullable Activation activation)
      implements Product {
    @Override
    public NDArray of(NDArray x) {
      return Activation.after(activation, by -> Aten.int8Linear(x, weight, by, bias));
    }

    @Override
    public NDArray plus(NDArray x, NDArray y) {
      return Aten.add(y, of(x));
    }

    @Override
    public Precision precision() {
      return Precision.INT8;
    }
  }

  /**
   * The product of a dense weight in other precisions than fp32.
   *
   * @param owner who holds what is made of the weight
   * @param weight {@code [out, in]}, of the innermost scope
   * @param bias {@code [out]}, held by the owner already
   */
  static Product packed(
      Weights owner, NDArray weight, @Nullable NDArray bias, @Nullable Activation activation) {
    boolean isLarge = Math.min(weight.getShape().get(0), weight.getShape().get(1)) >= LEAST_INT8;
    if (owner.precision() == Precision.INT8 && isLarge) {
      List<NDArray> packed = Aten.int8Pack(weight);
      packed.forEach(owner::hold);
      return new Int8(packed, bias, activation);
    }
    return new Packed(owner.hold(Aten.packLinear(weight)), bias, activation);
  }
}
