package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.FeedForward;
import flora.models.block.LayerNorm;
import flora.models.block.Linear;
import flora.models.weights.Weights;
import java.util.List;

/**
 * One transformer layer with the norms in front, query, key and value of one matrix. transformers'
 * BlipEncoderLayer.
 */
final class BlipVisionLayer {
  private final int heads;
  private final LayerNorm norm1;
  private final Linear qkv;
  private final Linear projection;
  private final LayerNorm norm2;
  private final FeedForward mlp;

  BlipVisionLayer(BlipVisionConfig config, Weights weights) {
    int size = config.size();
    heads = config.heads();
    norm1 = new LayerNorm(weights.child("layer_norm1"), size, config.eps());
    Weights attention = weights.child("self_attn");
    qkv = new Linear(attention.child("qkv"), size, 3 * size, true);
    projection = new Linear(attention.child("projection"), size, size, true);
    norm2 = new LayerNorm(weights.child("layer_norm2"), size, config.eps());
    Weights inner = weights.child("mlp");
    mlp =
        new FeedForward(
            inner.child("fc1"), inner.child("fc2"), size, config.innerSize(), config.activation());
  }

  /** {@code [n, t, size]} stays. */
  NDArray forward(NDArray x) {
    try (var scope = new Scope()) {
      List<NDArray> parts = Aten.chunk(qkv.forward(norm1.forward(x)), 3, -1); // 3 × [n, t, size]
      NDArray a =
          Aten.attention(
              parts.get(0), parts.get(1), parts.get(2), heads, false, null); // [n, t, size]
      NDArray y = projection.forwardAdd(a, x);
      return scope.keep(mlp.forward(norm2.forward(y), y));
    }
  }
}
