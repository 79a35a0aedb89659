package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Conv2d;
import flora.models.block.LayerNorm;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * CLIP's picture encoder: a transformer over patches with a class token in front (<a
 * href="https://arxiv.org/abs/2010.11929">Dosovitskiy et al.</a>). transformers' CLIPVisionModel.
 */
public final class ClipVisionEncoder {
  private final ClipVisionConfig config;
  private final NDArray classToken; // [size]
  private final Conv2d patches;
  private final NDArray positions; // [1 + patches, size]
  private final LayerNorm preNorm;
  private final List<ClipLayer> layers = new ArrayList<>();
  private final LayerNorm postNorm;

  /** How many pictures go through the layers together. */
  private final long piece;

  ClipVisionEncoder(ClipVisionConfig config, Weights weights) {
    this.config = config;
    Weights model = weights.child("vision_model");
    Weights embeddings = model.child("embeddings");
    int size = config.size();
    classToken = embeddings.tensor("class_embedding", size);
    int patch = config.patchSize();
    patches =
        new Conv2d(
            embeddings.child("patch_embedding"), new Convolution(3, size, patch, patch, 0), false);
    positions = embeddings.child("position_embedding").tensor("weight", 1 + config.patches(), size);
    // the name in every checkpoint
    preNorm = new LayerNorm(model.child("pre_layrnorm"), size, config.eps());
    var shape =
        new ClipLayer.Shape(
            size, config.innerSize(), config.heads(), false, config.activation(), config.eps());
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new ClipLayer(shape, model.child("encoder").child("layers").child(Integer.toString(i))));
    }
    postNorm = new LayerNorm(model.child("post_layernorm"), size, config.eps());
    piece = weights.precision() == Precision.INT8 ? 1 : Long.MAX_VALUE;
  }

  /** The states of class token and patches: {@code [n, 3, s, s] → [n, 1 + patches, size]}. */
  public NDArray forward(NDArray pixels) {
    return inPieces(pixels, piece -> through(embed(piece), layers));
  }

  /**
   * {@link #pooled} of {@link #forward}, {@code [n, 3, s, s] → [n, size]}; the last layer computes
   * no other token than the one that is read.
   */
  public NDArray summary(NDArray pixels) {
    return inPieces(
        pixels,
        piece -> {
          NDArray x = through(embed(piece), layers.subList(0, layers.size() - 1));
          return pooled(layers.getLast().first(x));
        });
  }

  /**
   * In int8 each picture goes alone, since what goes together shares a scale, and no picture's
   * result may depend on its neighbours.
   */
  private NDArray inPieces(NDArray pixels, UnaryOperator<NDArray> network) {
    var shape = pixels.getShape();
    int side = config.imageSize();
    if (shape.dimension() != 4 || shape.get(2) != side || shape.get(3) != side) {
      throw new IllegalArgumentException(
          "pixels of shape %s; expected [n, 3, %d, %d]".formatted(shape, side, side));
    }
    long n = shape.get(0);
    if (n <= piece) {
      return Scope.keeping(() -> network.apply(pixels));
    }
    try (var scope = new Scope()) {
      var results = new ArrayList<NDArray>();
      for (long from = 0; from < n; from += piece) {
        NDArray some = Aten.narrow(pixels, 0, from, Math.min(piece, n - from));
        results.add(Scope.keeping(() -> network.apply(some)));
      }
      return scope.keep(Aten.cat(results, 0));
    }
  }

  private NDArray embed(NDArray pixels) {
    try (var scope = new Scope()) {
      long n = pixels.getShape().get(0);
      NDArray grid = Aten.toTokens(patches.forward(pixels)); // [n, patches, size]
      NDArray first =
          Aten.expand(Aten.reshape(classToken, 1, 1, config.size()), n, 1, config.size());
      NDArray x = Aten.add(Aten.cat(List.of(first, grid), 1), positions);
      return scope.keep(preNorm.forward(x));
    }
  }

  private static NDArray through(NDArray x, List<ClipLayer> layers) {
    for (ClipLayer layer : layers) {
      x = Scope.replacing(x, y -> layer.forward(y, null));
    }
    return x;
  }

  /** The class token after the last norm: {@code [n, 1 + patches, size] → [n, size]}. */
  public NDArray pooled(NDArray states) {
    try (var scope = new Scope()) {
      NDArray first = Aten.narrow(states, 1, 0, 1); // [n, 1, size]
      return scope.keep(postNorm.forward(Aten.reshape(first, -1, config.size())));
    }
  }
}
