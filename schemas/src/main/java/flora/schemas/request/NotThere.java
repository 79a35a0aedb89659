package flora.schemas.request;

import flora.schemas.request.RequestKey.Section;
import java.util.Optional;
import java.util.stream.Stream;

/** What there is to say of a name that is no key where it stands. */
final class NotThere {

  private NotThere() {}

  /** Of a key that nothing acts on. */
  static RequestException yet(String pointer, String name) {
    return RequestException.unsupported(
        pointer,
        "%s is known, but this version does not act on it".formatted(clipped(name)),
        "leave it out, if the run does without");
  }

  /** Of a name that the dialect does not have there. */
  static RequestException of(Dialect dialect, Section section, String pointer, String name) {
    var elsewhere = calledElsewhere(dialect, name);
    if (elsewhere.isPresent()) {
      return otherName(dialect, elsewhere.get(), pointer, name);
    }
    if (UnsupportedKeys.contains(name) || name.contains("_args.")) {
      return yet(pointer, name);
    }
    for (var other : Section.values()) {
      if (other != section && GivenKeys.names(dialect, other).contains(name)) {
        var place = other == Section.ROOT ? "at the top" : "in " + other.key();
        return RequestException.invalid(
            pointer, name + " does not belong here", "write it " + place);
      }
    }
    var known = GivenKeys.names(dialect, section);
    var hint =
        Nearest.to(name, known)
            .map(n -> "did you mean " + n + "?")
            .orElse("known here: " + String.join(", ", known));
    return RequestException.invalid(pointer, "unknown key '" + clipped(name) + "'", hint);
  }

  /** Another tool's name, or another dialect's. */
  private static RequestException otherName(
      Dialect dialect, RequestKey key, String pointer, String name) {
    if (!key.isActedOn()) {
      return yet(pointer, name);
    }
    var whose = key.dialectOf(name);
    var here = key.atRoot(dialect);
    var hint =
        dialect == Dialect.FLORA
            ? "write %s%s"
                .formatted(
                    key.key(), key.section() == Section.ROOT ? "" : " in " + key.section().key())
            : here.isEmpty()
                ? "this dialect has no name for it: write the request in Flora's own"
                : "write " + here.getFirst();
    return RequestException.invalid(
        pointer,
        "%s is what %s calls %s"
            .formatted(name, whose.map(Dialect::word).orElse("another tool"), key.key()),
        whose
            .filter(other -> other != Dialect.FLORA && dialect == Dialect.FLORA)
            .map(other -> hint + ", or send all of the request with ?dialect=" + other.word())
            .orElse(hint));
  }

  /** The key that has this name in another dialect, or with another tool. */
  private static Optional<RequestKey> calledElsewhere(Dialect dialect, String name) {
    return Stream.of(RequestKey.values())
        .filter(
            key ->
                key.foreign().contains(name)
                    || key.dialectOf(name).filter(other -> other != dialect).isPresent())
        .findFirst();
  }

  private static String clipped(String name) {
    return name.length() > 40 ? name.substring(0, 40) + "…" : name;
  }
}
