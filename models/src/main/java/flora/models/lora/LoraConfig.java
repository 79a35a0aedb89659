package flora.models.lora;

import java.util.List;

/**
 * The shape of an adapter.
 *
 * @param rank of every pair of matrices
 * @param alpha the change is multiplied by {@code alpha / rank}
 * @param dropout probability that an input element is dropped on the way into the adapter
 * @param targets names of layers, see {@link LoraTargets}
 */
public record LoraConfig(int rank, double alpha, double dropout, List<String> targets) {

  public LoraConfig {
    targets = List.copyOf(targets);
    if (rank < 1) {
      throw new IllegalArgumentException("rank is " + rank + ", expected at least 1");
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout is " + dropout + ", expected 0 to below 1");
    }
  }

  /** What the change is multiplied by. */
  public double scale() {
    return alpha / rank;
  }
}
