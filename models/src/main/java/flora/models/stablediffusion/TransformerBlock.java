package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.LayerNorm;
import flora.models.block.Linear;
import flora.models.weights.Weights;

/**
 * Self-attention, attention to the text, and a gated feed-forward layer, each around a residual
 * connection; diffusers' {@code BasicTransformerBlock}.
 */
final class TransformerBlock {
  private static final double EPS = 1e-5;

  private final boolean onlyCross;
  private final LayerNorm norm1;
  private final CrossAttention attn1;
  private final LayerNorm norm2;
  private final CrossAttention attn2;
  private final LayerNorm norm3;
  private final Linear feedForwardIn; // [size → 2 · 4·size]
  private final Linear feedForwardOut;

  TransformerBlock(SpatialTransformer.Style style, Weights weights) {
    int size = style.inner();
    int context = style.contextSize();
    onlyCross = style.onlyCross();
    norm1 = new LayerNorm(weights.child("norm1"), size, EPS);
    attn1 =
        new CrossAttention(
            weights.child("attn1"), size, onlyCross ? context : size, size, style.heads());
    norm2 = new LayerNorm(weights.child("norm2"), size, EPS);
    attn2 = new CrossAttention(weights.child("attn2"), size, context, size, style.heads());
    norm3 = new LayerNorm(weights.child("norm3"), size, EPS);
    Weights net = weights.child("ff").child("net");
    feedForwardIn = new Linear(net.child("0").child("proj"), size, 8 * size, true);
    feedForwardOut = new Linear(net.child("2"), 4 * size, size, true);
  }

  /** {@code [n, t, size], [n, s, context] → [n, t, size]}. */
  NDArray forward(NDArray x, NDArray context) {
    try (var scope = new Scope()) {
      NDArray h = norm1.forward(x);
      x = Aten.add(attn1.forward(h, onlyCross ? context : h), x);
      x = Aten.add(attn2.forward(norm2.forward(x), context), x);
      h = Aten.geglu(feedForwardIn.forward(norm3.forward(x)));
      return scope.keep(Aten.add(feedForwardOut.forward(h), x));
    }
  }
}
