package flora.models.lora;

import java.util.ArrayList;
import java.util.List;

/**
 * The shape of an adapter.
 *
 * @param groups which layers get which rank; where several name a layer, the last one counts
 * @param dropout probability that an input element is dropped on the way into the adapter
 * @param rankStabilized whether the change is multiplied by {@code alpha / √rank} instead of {@code
 *     alpha / rank} (<a href="https://arxiv.org/abs/2312.03732">Kalajdzievski</a>)
 */
public record LoraConfig(List<LoraGroup> groups, double dropout, boolean rankStabilized) {

  public LoraConfig {
    groups = List.copyOf(groups);
    if (groups.isEmpty()) {
      throw new IllegalArgumentException("an adapter has at least one group of layers");
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + ", expected 0 to below 1");
    }
  }

  /** One rank for all layers. */
  public static LoraConfig of(int rank, double alpha, double dropout, List<String> targets) {
    return new LoraConfig(List.of(new LoraGroup(targets, rank, alpha)), dropout, false);
  }

  /**
   * The same and the layers of residual blocks and samplers, as sd-scripts adapts them: those with
   * kernels at a rank of their own, those without at the first group's.
   */
  public LoraConfig withConvolutions(int rank, double alpha) {
    LoraGroup first = groups.getFirst();
    var more = new ArrayList<>(groups);
    more.add(new LoraGroup(List.of(LoraTargets.CONVOLUTIONS), first.rank(), first.alpha()));
    more.add(new LoraGroup(List.of(LoraTargets.KERNELS), rank, alpha));
    return new LoraConfig(more, dropout, rankStabilized);
  }

  /** What the change of a group's layers is multiplied by. */
  public double scale(LoraGroup group) {
    return group.alpha() / (rankStabilized ? Math.sqrt(group.rank()) : group.rank());
  }

  /** The targets of all groups. */
  public List<String> targets() {
    return groups.stream().flatMap(group -> group.targets().stream()).distinct().toList();
  }
}
