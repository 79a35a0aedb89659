package flora.models.lora;

import java.util.List;

/**
 * Layers of an adapter that share a rank.
 *
 * @param targets names of layers, see {@link LoraTargets}
 * @param rank of every pair of matrices
 * @param alpha how strongly they act, see {@link LoraConfig#scale}
 */
public record LoraGroup(List<String> targets, int rank, double alpha) {

  public LoraGroup {
    targets = List.copyOf(targets);
    if (rank < 1) {
      throw new IllegalArgumentException("rank is " + rank + ", expected at least 1");
    }
  }
}
