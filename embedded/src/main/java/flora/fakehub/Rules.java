package flora.fakehub;

import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Predicate;

/** The faults that a hub was told to have. */
final class Rules {

  private static final class Rule {
    final String match;
    final When when;
    final List<Fault> faults;
    private final Random random;
    private int met;
    private int left;

    Rule(String match, When when, List<Fault> faults) {
      this.match = match;
      this.when = when;
      this.faults = List.copyOf(faults);
      random = new Random(when.seed());
      left = when.times();
    }

    synchronized boolean isSpent() {
      return left == 0;
    }

    synchronized boolean fires(boolean ranged) {
      if (left == 0 || (when.ranges() && !ranged) || ++met % when.every() != 0) {
        return false;
      }
      if (when.chance() < 1 && random.nextDouble() >= when.chance()) {
        return false;
      }
      if (left != Integer.MAX_VALUE) {
        left--;
      }
      return true;
    }
  }

  private final List<Rule> rules = new CopyOnWriteArrayList<>();

  void add(String match, When when, List<Fault> faults) {
    rules.add(new Rule(match, when, faults));
  }

  void clear() {
    rules.clear();
  }

  List<Fault.OnRequest> onRequest(String path, boolean ranged) {
    return take(Fault.OnRequest.class, path::contains, ranged);
  }

  List<Fault.OnPage> onPage(String path) {
    return take(Fault.OnPage.class, path::endsWith, false);
  }

  List<Fault.OnResolve> onResolve(String path) {
    return take(Fault.OnResolve.class, path::endsWith, false);
  }

  List<Fault.OnBytes> onBytes(String path, boolean ranged) {
    return take(Fault.OnBytes.class, path::endsWith, ranged);
  }

  /** Whether a file's answers lack their headers for now; uses nothing up. */
  boolean isBare(String path) {
    return rules.stream()
        .anyMatch(
            rule ->
                !rule.isSpent()
                    && path.endsWith(rule.match)
                    && rule.faults.stream().anyMatch(Fault.BareHeaders.class::isInstance));
  }

  /** The faults of the first rule that fires, used up by this. */
  private <F extends Fault> List<F> take(Class<F> kind, Predicate<String> matches, boolean ranged) {
    for (var rule : rules) {
      if (rule.faults.stream().allMatch(kind::isInstance)
          && matches.test(rule.match)
          && rule.fires(ranged)) {
        return rule.faults.stream().map(kind::cast).toList();
      }
    }
    return List.of();
  }
}
