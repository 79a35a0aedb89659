package flora.schemas.request;

import java.util.List;
import java.util.Set;

/**
 * What a request may say and the stages do not do yet: refused by name, never ignored. Whoever
 * makes one of them work takes its line away.
 */
final class NotYet {

  /**
   * Something that is not there yet.
   *
   * @param key of the request
   * @param values the values that are not there; empty = every one but the default
   * @param hint what to write instead
   */
  private record Entry(RequestKey key, Set<String> values, String hint) {}

  private static final List<Entry> ENTRIES = List.of(any(RequestKey.SIDECARS));

  private NotYet() {}

  private static Entry any(RequestKey key) {
    return new Entry(key, Set.of(), "leave it out");
  }

  /** Refuses the first thing that was asked for and is not there. */
  static void refuse(GivenKeys given) {
    for (var entry : ENTRIES) {
      var key = entry.key();
      if (!given.asksFor(key)) {
        continue;
      }
      var value = given.get(key).orElseThrow().value();
      if (entry.values().isEmpty() || entry.values().contains(value.toString())) {
        throw RequestException.unsupported(
            given.pointer(key),
            value instanceof String word && key.shape() instanceof Shape.Choice
                ? "%s %s is not there yet".formatted(key.key(), word)
                : "%s is not there yet".formatted(key.key()),
            entry.hint());
      }
    }
  }
}
