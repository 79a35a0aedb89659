package flora.trainer.export;

import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraGroup;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

/**
 * A trained LoRA in memory: for each adapted layer {@code W + alpha/rank · up·down} (<a
 * href="https://arxiv.org/abs/2106.09685">Hu et al.</a>).
 *
 * @param parts one for each network that is adapted
 */
public record Adapter(List<Part> parts) {

  public Adapter {
    parts = parts.stream().sorted(Comparator.comparing(Part::network)).toList();
  }

  /** A copy of adapters in place, one a network, as their matrices are now. */
  public static Adapter of(Lora... loras) {
    return new Adapter(Arrays.stream(loras).map(Part::of).toList());
  }

  /** The part for a network, if it is adapted. */
  public Optional<Part> part(Network network) {
    return parts.stream().filter(part -> part.network() == network).findFirst();
  }

  /** The pairs of all networks. */
  public List<Pair> pairs() {
    return parts.stream().flatMap(part -> part.pairs().stream()).toList();
  }

  /**
   * What is for one network.
   *
   * @param network that is adapted
   * @param config ranks, alphas and the names that chose the layers, such as {@code to_q}
   * @param pairs one for each layer, by module name
   */
  public record Part(Network network, LoraConfig config, List<Pair> pairs) {

    public Part {
      pairs = pairs.stream().sorted(Comparator.comparing(Pair::module)).toList();
    }

    private static Part of(Lora lora) {
      var matrices = lora.state().matrices();
      return new Part(
          lora.network(),
          lora.config(),
          lora.layers().stream().map(layer -> pair(layer, lora.alpha(layer), matrices)).toList());
    }

    /** What a file holds for a network. */
    public static Part of(Network network, LoraFile file) {
      var config = file.config();
      var matrices = file.state().matrices();
      var pairs = new ArrayList<Pair>();
      for (var group : config.groups()) {
        for (var layer : group.targets()) {
          pairs.add(pair(layer, config.scale(group) * group.rank(), matrices));
        }
      }
      return new Part(network, config, pairs);
    }

    private static Pair pair(String layer, double alpha, Map<String, LoraState.Matrix> matrices) {
      return new Pair(
          layer,
          alpha,
          tensor(matrices, layer + LoraState.A),
          tensor(matrices, layer + LoraState.B));
    }

    /** A configuration with every layer by its path, whatever chose it. */
    LoraConfig exactConfig() {
      var groups = new LinkedHashMap<LoraGroup, List<String>>();
      for (var pair : pairs) {
        groups
            .computeIfAbsent(
                new LoraGroup(List.of(), pair.rank(), pair.alpha()), g -> new ArrayList<>())
            .add(pair.module());
      }
      return new LoraConfig(
          groups.entrySet().stream()
              .map(e -> new LoraGroup(e.getValue(), e.getKey().rank(), e.getKey().alpha()))
              .toList(),
          0,
          false);
    }

    /** The matrices as a network takes them. */
    LoraState state() {
      var matrices = new LinkedHashMap<String, LoraState.Matrix>();
      for (var pair : pairs) {
        matrices.put(pair.module() + LoraState.A, pair.down().matrix());
        matrices.put(pair.module() + LoraState.B, pair.up().matrix());
      }
      return new LoraState(matrices);
    }
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
   * @param alpha the change is multiplied by alpha / rank, also where it was trained with another
   *     rule
   * @param down {@code [rank, in]}, peft's {@code lora_A}
   * @param up {@code [out, rank]}, peft's {@code lora_B}
   */
  public record Pair(String module, double alpha, Tensor down, Tensor up) {

    /** Rows of {@code down}. */
    public int rank() {
      return Math.toIntExact(down.shape().getFirst());
    }
  }

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

    /** The same as networks take it; not a copy. */
    public LoraState.Matrix matrix() {
      return new LoraState.Matrix(shape.stream().mapToLong(Long::longValue).toArray(), values);
    }
  }
}
