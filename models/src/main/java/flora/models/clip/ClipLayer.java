package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Activation;
import flora.models.block.LayerNorm;
import flora.models.block.Linear;
import flora.models.weights.Weights;
import org.jspecify.annotations.Nullable;

/**
 * One transformer layer with the norms in front: {@code x + attention(norm(x))}, then {@code x +
 * mlp(norm(x))}. transformers' CLIPEncoderLayer.
 */
final class ClipLayer {
  private final int heads;
  private final boolean causal;
  private final Activation activation;
  private final Linear query;
  private final Linear key;
  private final Linear value;
  private final Linear out;
  private final LayerNorm norm1;
  private final LayerNorm norm2;
  private final Linear fc1;
  private final Linear fc2;

  /** What the layers of one encoder have in common. */
  record Shape(
      int size, int innerSize, int heads, boolean causal, Activation activation, double eps) {}

  ClipLayer(Shape shape, Weights weights) {
    heads = shape.heads;
    causal = shape.causal;
    activation = shape.activation;
    int size = shape.size;
    Weights attention = weights.child("self_attn");
    query = new Linear(attention.child("q_proj"), size, size, true);
    key = new Linear(attention.child("k_proj"), size, size, true);
    value = new Linear(attention.child("v_proj"), size, size, true);
    out = new Linear(attention.child("out_proj"), size, size, true);
    norm1 = new LayerNorm(weights.child("layer_norm1"), size, shape.eps);
    norm2 = new LayerNorm(weights.child("layer_norm2"), size, shape.eps);
    fc1 = new Linear(weights.child("mlp").child("fc1"), size, shape.innerSize, true);
    fc2 = new Linear(weights.child("mlp").child("fc2"), shape.innerSize, size, true);
  }

  /** {@code [n, t, size]} stays; a mask {@code [n, 1, t, t]} replaces the causal one. */
  NDArray forward(NDArray x, @Nullable NDArray mask) {
    try (var scope = new Scope()) {
      NDArray h = norm1.forward(x);
      NDArray a =
          Aten.attention(
              query.forward(h),
              key.forward(h),
              value.forward(h),
              heads,
              causal && mask == null,
              mask); // [n, t, size]
      NDArray y = Aten.add(x, out.forward(a));
      h = activation.apply(fc1.forward(norm2.forward(y))); // [n, t, innerSize]
      return scope.keep(Aten.add(y, fc2.forward(h)));
    }
  }
}
