package flora.standalone.parity;

import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Holds computed tensors against a set's golden ones and remembers the one that is furthest out.
 *
 * <p>A tensor is right when its largest difference is within the tolerance. Trained weights ({@code
 * final.*}, {@code step10.*}) are not comparable one by one, because Adam amplifies rounding where
 * a gradient nearly vanishes: there 99 % of the elements must be within it and the relative
 * distance below 1 %.
 */
final class Comparison {

  private static final double SHARE = 0.99;
  private static final double RELATIVE = 1e-2;

  /**
   * A compared tensor.
   *
   * @param excess how many tolerances it is out; above 1 is wrong
   */
  record Row(String tensor, double difference, double tolerance, double excess) {}

  private final GoldenSet set;
  private final Set<String> seen = new HashSet<>();
  private @Nullable Row worst;

  Comparison(GoldenSet set) {
    this.set = set;
  }

  /** Compares a tensor of floats. */
  void tensor(String name, float[] actual) {
    double[] values = new double[actual.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = actual[i];
    }
    tensor(name, values);
  }

  /** Compares a tensor of whole numbers. */
  void tensor(String name, long[] actual) {
    double[] values = new double[actual.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = actual[i];
    }
    tensor(name, values);
  }

  /** Compares a tensor of bytes 0 to 255. */
  void tensor(String name, byte[] actual) {
    double[] values = new double[actual.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = actual[i] & 0xff;
    }
    tensor(name, values);
  }

  /** Compares a tensor. */
  void tensor(String name, double[] actual) {
    seen.add(name);
    double[] golden = set.values(name);
    if (golden.length != actual.length) {
      note(new Row(name, Double.POSITIVE_INFINITY, set.tolerance(name), Double.POSITIVE_INFINITY));
      return;
    }
    double difference = 0;
    double excess = 0;
    long outside = 0;
    double squaredDistance = 0;
    double squaredLength = 0;
    for (int i = 0; i < golden.length; i++) {
      double d = Math.abs(actual[i] - golden[i]);
      d = Double.isNaN(d) ? Double.POSITIVE_INFINITY : d;
      double tolerance = set.tolerance(name, golden[i]);
      difference = Math.max(difference, d);
      excess = Math.max(excess, d == 0 ? 0 : d / tolerance);
      outside += d > tolerance ? 1 : 0;
      squaredDistance += d * d;
      squaredLength += golden[i] * golden[i];
    }
    if (isTrainedWeight(name) && !isDegenerate(name)) {
      double share = outside / ((1 - SHARE) * golden.length);
      double relative = Math.sqrt(squaredDistance / Math.max(squaredLength, 1e-60)) / RELATIVE;
      excess = Math.max(share, squaredDistance == 0 ? 0 : relative);
    }
    note(new Row(name, difference, set.tolerance(name), excess));
  }

  /** Compares something that is no tensor: a text, a list of ids. */
  void exactly(String name, boolean equal) {
    seen.add(name);
    double difference = equal ? 0 : 1;
    note(new Row(name, difference, 0, equal ? 0 : Double.POSITIVE_INFINITY));
  }

  /** Declares tensors that are given, not computed. */
  void inputs(Predicate<String> which) {
    set.tensors().stream().filter(which).forEach(seen::add);
  }

  /** The tensor that is furthest out, right or wrong. */
  Optional<Row> worst() {
    return Optional.ofNullable(worst);
  }

  /** The first tensor that was neither compared nor declared as an input. */
  Optional<String> forgotten() {
    var left = new TreeSet<>(set.tensors());
    left.removeAll(seen);
    return left.stream().findFirst();
  }

  private void note(Row row) {
    if (worst == null || row.excess > worst.excess) {
      worst = row;
    }
  }

  private static boolean isTrainedWeight(String name) {
    return name.startsWith("final.") || name.startsWith("step10.");
  }

  /** Weights whose true gradient is zero say nothing; their tolerance is wide, not their share. */
  private boolean isDegenerate(String name) {
    return set.hyper().texts("degenerate").stream().anyMatch(name::endsWith);
  }
}
