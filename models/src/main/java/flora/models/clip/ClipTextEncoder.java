package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Embedding;
import flora.models.block.LayerNorm;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Weights;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * CLIP's text encoder: a causal transformer over tokens. transformers' CLIPTextModel, which is also
 * the text encoder of Stable Diffusion 1 and 2.
 *
 * <p>Not for several threads at a time. Results belong to the caller's {@link Scope}.
 */
public final class ClipTextEncoder implements AutoCloseable {
  private final ClipTextConfig config;
  private final Weights weights;
  private final Embedding tokens;
  private final NDArray positions; // [positions, size]
  private final List<ClipLayer> layers = new ArrayList<>();
  private final LayerNorm finalNorm;

  /**
   * Reads {@code config.json} and the weights beside it, as in a pipeline's text_encoder folder.
   */
  public static ClipTextEncoder open(Path folder) {
    var config = ClipTextConfig.of(ModelConfig.read(folder.resolve("config.json")));
    return of(config, Weights.open(folder));
  }

  /** Builds the encoder from all of the weights; it closes them when it is closed. */
  public static ClipTextEncoder of(ClipTextConfig config, Weights weights) {
    try {
      var encoder = new ClipTextEncoder(config, weights);
      weights.requireAllUsed(key -> false);
      return encoder;
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  /** Builds the encoder below {@code text_model}; it closes the weights when it is closed. */
  ClipTextEncoder(ClipTextConfig config, Weights weights) {
    this.config = config;
    this.weights = weights;
    Weights model = weights.child("text_model");
    Weights embeddings = model.child("embeddings");
    int size = config.size();
    tokens = new Embedding(embeddings.child("token_embedding"), config.vocabulary(), size);
    positions = embeddings.child("position_embedding").tensor("weight", config.positions(), size);
    var shape =
        new ClipLayer.Shape(
            size, config.innerSize(), config.heads(), true, config.activation(), config.eps());
    for (int i = 0; i < config.layers(); i++) {
      layers.add(
          new ClipLayer(shape, model.child("encoder").child("layers").child(Integer.toString(i))));
    }
    finalNorm = new LayerNorm(model.child("final_layer_norm"), size, config.eps());
  }

  /** Sizes and variants. */
  public ClipTextConfig config() {
    return config;
  }

  /** The layers that an adapter may change, by path. */
  public Map<String, AdaptableLayer> layers() {
    return weights.layers();
  }

  /** Those of {@link #layers()} that count where the last ones are left out. */
  public Map<String, AdaptableLayer> layers(int skip) {
    var counting = new LinkedHashMap<>(weights.layers());
    int used = layersWithout(skip).size();
    for (ClipLayer layer : layers.subList(used, layers.size())) {
      counting.values().removeAll(layer.layers());
    }
    return counting;
  }

  /** What Stable Diffusion reads: {@code forward(ids, null, 0)}. */
  public NDArray forward(NDArray ids) {
    return forward(ids, null, 0);
  }

  /**
   * The states of all tokens after the last layer's norm, {@code [n, t] → [n, t, size]}.
   *
   * @param ids int64, at most {@code positions} a text
   * @param mask int64 {@code [n, t]}, 1 where there is text; null for none, as Stable Diffusion
   *     does
   * @param skip how many of the last layers are left out before the norm ("clip skip"), usually 0
   */
  public NDArray forward(NDArray ids, @Nullable NDArray mask, int skip) {
    List<ClipLayer> used = layersWithout(skip);
    try (var scope = new Scope()) {
      NDArray scores = mask == null ? null : ClipMask.causal(mask);
      NDArray x = embed(ids);
      for (ClipLayer layer : used) {
        x = layer.forward(x, scores);
      }
      return scope.keep(finalNorm.forward(x));
    }
  }

  /**
   * {@link #forward(NDArray, NDArray, int)} without a mask in segments of one layer each, for
   * training.
   *
   * @param ids number of a value {@code [n, t]}, int64
   * @return number of the states {@code [n, t, size]}, bit by bit the same
   */
  public int forward(Segments segments, int ids, int skip) {
    List<ClipLayer> used = layersWithout(skip);
    int x =
        segments.single(
            List.of(ids), List.of(), values -> Scope.keeping(() -> embed(values.getFirst())));
    for (ClipLayer layer : used) {
      x = layer.forward(segments, x);
    }
    return segments.single(List.of(x), List.of(), values -> finalNorm.forward(values.getFirst()));
  }

  /** The states before the first layer and after each, without the last norm. */
  public List<NDArray> hiddenStates(NDArray ids) {
    try (var scope = new Scope()) {
      var states = new ArrayList<NDArray>();
      states.add(embed(ids));
      for (ClipLayer layer : layers) {
        states.add(layer.forward(states.getLast(), null));
      }
      return scope.keep(states);
    }
  }

  /** The state at the end of each text: {@code [n, t, size] → [n, size]}. */
  public NDArray pooled(NDArray states, NDArray ids) {
    long length = ids.getShape().get(1);
    long[] all = ids.toLongArray();
    long[] ends = new long[Math.toIntExact(all.length / length)];
    for (int text = 0; text < ends.length; text++) {
      ends[text] = text * length + end(all, text * length, length);
    }
    try (var scope = new Scope()) {
      NDArray flat = Aten.reshape(states, -1, config.size()); // [n·t, size]
      return scope.keep(Aten.indexSelect(flat, 0, Aten.of(ends, ends.length)));
    }
  }

  /** The first place of the end token; in old files, of the highest id. */
  private int end(long[] ids, long from, long length) {
    int best = 0;
    for (int i = 0; i < length; i++) {
      long id = ids[(int) from + i];
      if (config.endId() == ClipTextConfig.OLD_END_ID) {
        best = id > ids[(int) from + best] ? i : best;
      } else if (id == config.endId()) {
        return i;
      }
    }
    return best;
  }

  private List<ClipLayer> layersWithout(int skip) {
    if (skip < 0 || skip >= layers.size()) {
      throw new IllegalArgumentException(
          "clip skip %d; expected 0 to %d".formatted(skip, layers.size() - 1));
    }
    return layers.subList(0, layers.size() - skip);
  }

  private NDArray embed(NDArray ids) {
    long length = ids.getShape().get(1);
    if (length > config.positions()) {
      throw new IllegalArgumentException(
          "%d tokens; the text encoder takes %d".formatted(length, config.positions()));
    }
    // [n, t, size] + [t, size]
    return Aten.add(tokens.forward(ids), Aten.narrow(positions, 0, 0, length));
  }

  @Override
  public void close() {
    weights.close();
  }
}
