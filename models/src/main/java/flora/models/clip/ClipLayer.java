package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Activation;
import flora.models.block.FeedForward;
import flora.models.block.FusedLinear;
import flora.models.block.LayerNorm;
import flora.models.block.Linear;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Weights;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One transformer layer with the norms in front: {@code x + attention(norm(x))}, then {@code x +
 * mlp(norm(x))}. transformers' CLIPEncoderLayer.
 */
final class ClipLayer {
  private final int heads;
  private final boolean causal;
  private final FusedLinear projections;
  private final Linear out;
  private final LayerNorm norm1;
  private final LayerNorm norm2;
  private final FeedForward mlp;
  private final List<AdaptableLayer> layers;

  /** What the layers of one encoder have in common. */
  record Shape(
      int size, int innerSize, int heads, boolean causal, Activation activation, double eps) {}

  ClipLayer(Shape shape, Weights weights) {
    heads = shape.heads;
    causal = shape.causal;
    int size = shape.size;
    Weights attention = weights.child("self_attn");
    projections =
        new FusedLinear(
            List.of(
                attention.child("q_proj"), attention.child("k_proj"), attention.child("v_proj")),
            size,
            size);
    out = new Linear(attention.child("out_proj"), size, size, true);
    norm1 = new LayerNorm(weights.child("layer_norm1"), size, shape.eps);
    norm2 = new LayerNorm(weights.child("layer_norm2"), size, shape.eps);
    Weights inner = weights.child("mlp");
    mlp =
        new FeedForward(
            inner.child("fc1"), inner.child("fc2"), size, shape.innerSize, shape.activation);
    layers = List.copyOf(weights.layers().values());
  }

  /** What an adapter may change. */
  List<AdaptableLayer> layers() {
    return layers;
  }

  /** {@code [n, t, size]} stays; a mask {@code [n, 1, t, t]} replaces the causal one. */
  NDArray forward(NDArray x, @Nullable NDArray mask) {
    try (var scope = new Scope()) {
      List<NDArray> qkv = projections.forward(norm1.forward(x)); // each [n, t, size]
      return scope.keep(rest(x, qkv.get(0), qkv.get(1), qkv.get(2), mask));
    }
  }

  /** {@link #forward(NDArray, NDArray)} without a mask as a segment. */
  int forward(Segments segments, int x) {
    return segments.single(
        List.of(x), AdaptableLayer.parameters(layers), values -> forward(values.getFirst(), null));
  }

  /**
   * What {@link #forward(NDArray, NDArray)} makes of the first token, which sees all: {@code [n, 1,
   * size]}.
   */
  NDArray first(NDArray x) {
    try (var scope = new Scope()) {
      List<NDArray> qkv = projections.forward(norm1.forward(x));
      NDArray query = Aten.contiguous(Aten.narrow(qkv.get(0), 1, 0, 1));
      NDArray token = Aten.contiguous(Aten.narrow(x, 1, 0, 1));
      return scope.keep(rest(token, query, qkv.get(1), qkv.get(2), null));
    }
  }

  private NDArray rest(NDArray x, NDArray q, NDArray k, NDArray v, @Nullable NDArray mask) {
    NDArray a = Aten.attention(q, k, v, heads, causal && mask == null, mask); // [n, t, size]
    NDArray y = out.forwardAdd(a, x);
    return mlp.forward(norm2.forward(y), y);
  }
}
