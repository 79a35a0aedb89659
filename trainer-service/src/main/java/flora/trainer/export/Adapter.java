package flora.trainer.export;

import flora.models.lora.Lora;
import flora.models.lora.LoraState;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A trained LoRA in memory: for each adapted layer {@code W + alpha/rank · up·down} (<a
 * href="https://arxiv.org/abs/2106.09685">Hu et al.</a>).
 *
 * @param rank rows of every {@code down}
 * @param alpha scale = alpha / rank
 * @param dropout that it was trained with
 * @param targets the names that chose the layers, such as {@code to_q}
 * @param pairs one for each layer, by module name
 */
public record Adapter(
    int rank, double alpha, double dropout, List<String> targets, List<Pair> pairs) {

  public Adapter {
    targets = targets.stream().sorted().toList();
    pairs = pairs.stream().sorted(Comparator.comparing(Pair::module)).toList();
  }

  /** A copy of an adapter in place, as its matrices are now. */
  public static Adapter of(Lora lora) {
    var matrices = lora.state().matrices();
    var pairs =
        lora.layers().stream()
            .map(
                layer ->
                    new Pair(
                        layer,
                        tensor(matrices, layer + LoraState.A),
                        tensor(matrices, layer + LoraState.B)))
            .toList();
    var config = lora.config();
    if (config.groups().size() > 1) {
      throw new IllegalArgumentException("the files that are written hold one rank for all layers");
    }
    int rank = config.groups().getFirst().rank();
    double alpha = config.scale(config.groups().getFirst()) * rank;
    return new Adapter(rank, alpha, config.dropout(), config.targets(), pairs);
  }

  private static Tensor tensor(Map<String, LoraState.Matrix> matrices, String name) {
    var matrix = Objects.requireNonNull(matrices.get(name), name);
    return new Tensor(matrix.shape(), matrix.values());
  }

  /**
   * The two matrices of one layer.
   *
   * @param module the layer's name in the network, such as {@code
   *     mid_block.attentions.0.transformer_blocks.0.attn1.to_q}
   * @param down {@code [rank, in]}, peft's {@code lora_A}
   * @param up {@code [out, rank]}, peft's {@code lora_B}
   */
  public record Pair(String module, Tensor down, Tensor up) {}

  /** An fp32 tensor on the heap. */
  public static final class Tensor {
    private final List<Long> shape;
    private final float[] values;

    /** Takes over the array, which nobody may change afterwards. */
    public Tensor(List<Long> shape, float[] values) {
      long count = shape.stream().reduce(1L, Math::multiplyExact);
      if (count != values.length) {
        throw new IllegalArgumentException(shape + " does not hold " + values.length + " values");
      }
      this.shape = List.copyOf(shape);
      this.values = values;
    }

    /** Extents, outermost first. */
    public List<Long> shape() {
      return shape;
    }

    /** The values, row by row; not a copy. */
    public float[] values() {
      return values;
    }
  }
}
