package flora.models.lora;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Several adapters of one network as a single one, whose change is the sum of theirs: the matrices
 * of a layer stand side by side, so their ranks add up.
 */
public final class LoraSum {

  /**
   * One of them.
   *
   * @param weight how strongly it acts: 1 = as trained
   */
  public record Weighed(LoraFile file, double weight) {}

  private record Part(LoraState.Matrix a, LoraState.Matrix b, double scale) {
    int rank() {
      return Math.toIntExact(a.shape().getFirst());
    }
  }

  private LoraSum() {}

  /** The sum; strengths and alphas are folded into it. */
  public static LoraFile of(List<Weighed> adapters) {
    var parts = new LinkedHashMap<String, List<Part>>();
    for (var each : adapters) {
      var matrices = each.file().state().matrices();
      var config = each.file().config();
      for (var group : config.groups()) {
        double scale = config.scale(group) * each.weight();
        for (var layer : group.targets()) {
          var a = matrices.get(layer + LoraState.A);
          var b = matrices.get(layer + LoraState.B);
          if (a == null || b == null) {
            throw new IllegalArgumentException("an adapter lacks matrices of " + layer);
          }
          parts.computeIfAbsent(layer, _ -> new ArrayList<>()).add(new Part(a, b, scale));
        }
      }
    }
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    var groups = new ArrayList<LoraGroup>();
    parts.forEach(
        (layer, all) -> {
          int rank = all.stream().mapToInt(Part::rank).sum();
          matrices.put(layer + LoraState.A, below(all, rank));
          matrices.put(layer + LoraState.B, beside(all, rank));
          groups.add(new LoraGroup(List.of(layer), rank, rank));
        });
    return new LoraFile(new LoraConfig(groups, 0, false), new LoraState(matrices), Map.of());
  }

  /** The A's one below the other: {@code [rank, …]}. */
  private static LoraState.Matrix below(List<Part> parts, int rank) {
    var values = new float[parts.stream().mapToInt(part -> part.a().values().length).sum()];
    int at = 0;
    for (var part : parts) {
      System.arraycopy(part.a().values(), 0, values, at, part.a().values().length);
      at += part.a().values().length;
    }
    return new LoraState.Matrix(shape(parts.getFirst().a(), 0, rank), values);
  }

  /** The B's side by side, each at its strength: {@code [out, rank, …]}. */
  private static LoraState.Matrix beside(List<Part> parts, int rank) {
    int rows = Math.toIntExact(parts.getFirst().b().shape().getFirst());
    var values = new float[rows * rank];
    int column = 0;
    for (var part : parts) {
      var b = part.b().values();
      for (int i = 0; i < b.length; i++) {
        values[i / part.rank() * rank + column + i % part.rank()] = (float) (part.scale() * b[i]);
      }
      column += part.rank();
    }
    return new LoraState.Matrix(shape(parts.getFirst().b(), 1, rank), values);
  }

  private static long[] shape(LoraState.Matrix like, int dimension, int rank) {
    long[] shape = like.shape().stream().mapToLong(Long::longValue).toArray();
    shape[dimension] = rank;
    return shape;
  }
}
