package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Embedding;
import flora.models.block.LayerNorm;
import flora.models.block.Linear;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.List;

/**
 * BLIP's text decoder: a BERT that looks at a picture and tells the next token. transformers'
 * BlipTextLMHeadModel.
 */
final class BlipText {
  private final BlipTextConfig config;
  private final Embedding tokens;
  private final NDArray positions; // [positions, size]
  private final LayerNorm norm;
  private final List<BlipTextLayer> layers = new ArrayList<>();
  private final Linear transform;
  private final LayerNorm transformNorm;
  private final NDArray headWeight; // [vocabulary, size]
  private final NDArray headBias; // [vocabulary]

  BlipText(BlipTextConfig config, int pictureSize, Weights weights) {
    this.config = config;
    int size = config.size();
    Weights bert = weights.child("bert");
    Weights embeddings = bert.child("embeddings");
    Weights words = embeddings.child("word_embeddings");
    tokens = new Embedding(words, config.vocabulary(), size);
    positions = embeddings.child("position_embeddings").tensor("weight", config.positions(), size);
    norm = new LayerNorm(embeddings.child("LayerNorm"), size, config.eps());
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new BlipTextLayer(
              config,
              pictureSize,
              bert.child("encoder").child("layer").child(Integer.toString(i))));
    }
    Weights head = weights.child("cls").child("predictions");
    Weights transformation = head.child("transform");
    transform = new Linear(transformation.child("dense"), size, size, true, config.activation());
    transformNorm = new LayerNorm(transformation.child("LayerNorm"), size, config.eps());
    Weights table = config.tied() ? words : head.child("decoder");
    headWeight = table.tensor("weight", config.vocabulary(), size);
    headBias = head.tensor("bias", config.vocabulary());
  }

  BlipTextConfig config() {
    return config;
  }

  List<BlipTextLayer> layers() {
    return layers;
  }

  /** int64 {@code [n, t] → [n, t, size]}; {@code past} tokens stand before these. */
  NDArray embed(NDArray ids, long past) {
    long length = ids.getShape().get(1);
    if (past + length > config.positions()) {
      throw new IllegalArgumentException(
          "%d tokens; the text decoder takes %d".formatted(past + length, config.positions()));
    }
    return Scope.keeping(
        () -> {
          NDArray places = Aten.narrow(positions, 0, past, length); // [t, size]
          return norm.forward(Aten.add(tokens.forward(ids), places));
        });
  }

  /** The scores of the token to come: {@code [..., size] → [..., vocabulary]}. */
  NDArray head(NDArray x) {
    return Scope.keeping(
        () -> {
          NDArray h = transformNorm.forward(transform.forward(x));
          return Aten.linear(h, headWeight, headBias);
        });
  }

  /** Whole texts at once: int64 {@code [n, t], [n, p, d] → [n, t, vocabulary]}. */
  NDArray forward(NDArray ids, NDArray imageEmbeds) {
    try (var scope = new Scope()) {
      NDArray x = embed(ids, 0);
      for (BlipTextLayer layer : layers) {
        x =
            Scope.replacing(
                x, h -> layer.forward(h, layer.ofText(h), layer.ofPictures(imageEmbeds), true));
      }
      return scope.keep(head(x));
    }
  }
}
