package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.FusedLinear;
import flora.models.block.LayerNorm;
import flora.models.block.Linear;
import flora.models.weights.Weights;
import java.util.List;

/**
 * Attention of a text to itself or to a picture, added to its input and normed. transformers'
 * BlipTextAttention.
 */
final class BlipTextAttention {

  /** What attention looks at: {@code [n, t, size]} both. */
  record Memory(NDArray key, NDArray value) {

    /** This, then the other. */
    Memory and(Memory other) {
      return new Memory(
          Aten.cat(List.of(key, other.key), 1), Aten.cat(List.of(value, other.value), 1));
    }

    /** The entries of the first axis that the index names. */
    Memory select(NDArray index) {
      return new Memory(Aten.indexSelect(key, 0, index), Aten.indexSelect(value, 0, index));
    }

    /** Takes the arrays out of the innermost scope; {@link #close} frees them. */
    Memory release() {
      Scope.release(key);
      Scope.release(value);
      return this;
    }

    void close() {
      key.close();
      value.close();
    }
  }

  private final int size;
  private final int heads;
  private final Linear query;
  private final FusedLinear keyValue;
  private final Linear dense;
  private final LayerNorm norm;

  /**
   * The attention of one layer.
   *
   * @param memorySize the width of what it looks at
   */
  BlipTextAttention(BlipTextConfig config, int memorySize, Weights weights) {
    size = config.size();
    heads = config.heads();
    Weights self = weights.child("self");
    query = new Linear(self.child("query"), size, size, true);
    keyValue = new FusedLinear(List.of(self.child("key"), self.child("value")), memorySize, size);
    dense = new Linear(weights.child("output").child("dense"), size, size, true);
    norm = new LayerNorm(weights.child("output").child("LayerNorm"), size, config.eps());
  }

  /** {@code [n, t, memorySize] → [n, t, size]} twice. */
  Memory memory(NDArray states) {
    List<NDArray> both = keyValue.forward(states);
    return new Memory(both.get(0), both.get(1));
  }

  /**
   * {@code [n, t, size]} stays.
   *
   * @param memory for n texts, or for n / k pictures that k texts in a row look at each
   * @param causal whether a token looks only at itself and at those before it
   */
  NDArray forward(NDArray x, Memory memory, boolean causal) {
    try (var scope = new Scope()) {
      long n = x.getShape().get(0);
      long t = x.getShape().get(1);
      long memories = memory.key.getShape().get(0);
      // texts that share a memory are as good as one text, since nothing of it is hidden from them
      NDArray q = Aten.reshape(query.forward(x), memories, n / memories * t, size);
      NDArray a = Aten.attention(q, memory.key, memory.value, heads, causal, null);
      NDArray y = dense.forwardAdd(Aten.reshape(a, n, t, size), x);
      return scope.keep(norm.forward(y));
    }
  }
}
