package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Scope;
import flora.models.blip.BlipTextAttention.Memory;
import flora.models.block.FeedForward;
import flora.models.block.LayerNorm;
import flora.models.weights.Weights;

/**
 * One layer of the text decoder, each part normed behind: attention to the text, to the picture,
 * feed-forward. transformers' BlipTextLayer.
 */
final class BlipTextLayer {
  private final BlipTextAttention attention;
  private final BlipTextAttention crossAttention;
  private final FeedForward feedForward;
  private final LayerNorm norm;

  BlipTextLayer(BlipTextConfig config, int pictureSize, Weights weights) {
    int size = config.size();
    attention = new BlipTextAttention(config, size, weights.child("attention"));
    crossAttention = new BlipTextAttention(config, pictureSize, weights.child("crossattention"));
    feedForward =
        new FeedForward(
            weights.child("intermediate").child("dense"),
            weights.child("output").child("dense"),
            size,
            config.innerSize(),
            config.activation());
    norm = new LayerNorm(weights.child("output").child("LayerNorm"), size, config.eps());
  }

  /** What texts remember of themselves at this layer. */
  Memory ofText(NDArray x) {
    return attention.memory(x);
  }

  /** What texts see of their pictures at this layer. */
  Memory ofPictures(NDArray imageEmbeds) {
    return crossAttention.memory(imageEmbeds);
  }

  /**
   * {@code [n, t, size]} stays.
   *
   * @param text of these tokens and those before
   * @param causal whether x has several tokens, which must not look ahead
   */
  NDArray forward(NDArray x, Memory text, Memory pictures, boolean causal) {
    try (var scope = new Scope()) {
      NDArray y = attention.forward(x, text, causal);
      NDArray z = crossAttention.forward(y, pictures, false);
      return scope.keep(norm.forward(feedForward.forward(z, z)));
    }
  }
}
