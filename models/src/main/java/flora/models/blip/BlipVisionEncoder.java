package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Conv2d;
import flora.models.block.LayerNorm;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * BLIP's picture encoder: a transformer over patches with a class token in front (<a
 * href="https://arxiv.org/abs/2010.11929">Dosovitskiy et al.</a>). transformers' BlipVisionModel.
 */
final class BlipVisionEncoder {
  private final BlipVisionConfig config;
  private final NDArray classToken; // [1, 1, size]
  private final Conv2d patches;
  private final NDArray positions; // [1, 1 + patches, size]
  private final List<BlipVisionLayer> layers = new ArrayList<>();
  private final LayerNorm postNorm;

  BlipVisionEncoder(BlipVisionConfig config, Weights weights) {
    this.config = config;
    Weights embeddings = weights.child("embeddings");
    int size = config.size();
    int patch = config.patchSize();
    classToken = embeddings.tensor("class_embedding", 1, 1, size);
    patches =
        new Conv2d(
            embeddings.child("patch_embedding"), new Convolution(3, size, patch, patch, 0), true);
    positions = embeddings.tensor("position_embedding", 1, 1 + config.patches(), size);
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new BlipVisionLayer(
              config, weights.child("encoder").child("layers").child(Integer.toString(i))));
    }
    postNorm = new LayerNorm(weights.child("post_layernorm"), size, config.eps());
  }

  /**
   * The states of class token and patches, normed: {@code [n, 3, s, s] → [n, 1 + patches, size]}.
   */
  NDArray forward(NDArray pixels) {
    var shape = pixels.getShape();
    int side = config.imageSize();
    if (shape.dimension() != 4 || shape.get(2) != side || shape.get(3) != side) {
      throw new IllegalArgumentException(
          "pixels of shape %s; expected [n, 3, %d, %d]".formatted(shape, side, side));
    }
    try (var scope = new Scope()) {
      NDArray grid = Aten.toTokens(patches.forward(pixels)); // [n, patches, size]
      NDArray first = Aten.expand(classToken, shape.get(0), 1, config.size());
      NDArray x = Aten.add(Aten.cat(List.of(first, grid), 1), positions);
      for (BlipVisionLayer layer : layers) {
        x = Scope.replacing(x, layer::forward);
      }
      return scope.keep(postNorm.forward(x));
    }
  }
}
