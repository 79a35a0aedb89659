package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.request.RequestKey.Section;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a document says, key by key: every spelling resolved through {@link RequestKey}, every value
 * of its key's shape. Canonical and flat form may be mixed; they must not contradict each other.
 */
final class GivenKeys {

  /**
   * One value that was given.
   *
   * @param value of the key's shape
   * @param pointer where it stands
   * @param spelling how the key was written
   */
  record Given(Object value, String pointer, String spelling) {}

  private final Map<RequestKey, Given> given = new EnumMap<>(RequestKey.class);
  private final Set<Section> sections = EnumSet.noneOf(Section.class);

  private GivenKeys() {}

  /** Reads a document. */
  static GivenKeys of(Node.Fields document) {
    var keys = new GivenKeys();
    keys.readSection(Section.ROOT, "", document);
    return keys;
  }

  /** Whether a part stands in the document, be it empty. */
  boolean has(Section section) {
    return sections.contains(section);
  }

  /** Whether a key was given. */
  boolean has(RequestKey key) {
    return given.containsKey(key);
  }

  /** Whether any key of a part was given, in whatever form. */
  boolean hasAnyOf(Section section) {
    return given.keySet().stream().anyMatch(k -> k.section() == section);
  }

  /** What was given for a key. */
  Optional<Given> get(RequestKey key) {
    return Optional.ofNullable(given.get(key));
  }

  /** The value of a key, or its default. */
  private @Nullable Object value(RequestKey key) {
    var found = given.get(key);
    return found == null ? key.fallback() : found.value();
  }

  @Nullable String text(RequestKey key) {
    return (String) value(key);
  }

  @Nullable Long whole(RequestKey key) {
    return (Long) value(key);
  }

  @Nullable Double decimal(RequestKey key) {
    return (Double) value(key);
  }

  boolean flag(RequestKey key) {
    return Boolean.TRUE.equals(value(key));
  }

  List<String> texts(RequestKey key) {
    var texts = new ArrayList<String>();
    if (value(key) instanceof List<?> list) {
      list.forEach(item -> texts.add((String) item));
    }
    return texts;
  }

  /** Texts by text, in order. */
  Map<String, String> textMap(RequestKey key) {
    var texts = new LinkedHashMap<String, String>();
    if (value(key) instanceof Map<?, ?> map) {
      map.forEach((name, text) -> texts.put((String) name, (String) text));
    }
    return texts;
  }

  /** Labels by kind, in order. */
  Map<String, List<String>> kinds(RequestKey key) {
    var kinds = new LinkedHashMap<String, List<String>>();
    if (value(key) instanceof Map<?, ?> map) {
      map.forEach(
          (kind, labels) ->
              kinds.put((String) kind, ((List<?>) labels).stream().map(l -> (String) l).toList()));
    }
    return kinds;
  }

  /**
   * Whether a key was given as anything but its default. What stands there as it would be without
   * being written asks for nothing.
   */
  boolean asksFor(RequestKey key) {
    var found = given.get(key);
    return found != null && !found.value().equals(key.fallback());
  }

  /** Where a key stands, or where it would stand. */
  String pointer(RequestKey key) {
    var found = given.get(key);
    return found == null ? pointer(key.section()) + "/" + key.key() : found.pointer();
  }

  static String pointer(Section section) {
    return switch (section) {
      case ROOT -> "";
      case MODEL, DATASET, TRAIN -> "/" + section.key();
      case LABEL -> "/dataset/label";
    };
  }

  private void readSection(Section section, String pointer, Node.Fields fields) {
    fields
        .values()
        .forEach((name, node) -> readField(section, Node.pointer(pointer, name), name, node));
  }

  private void readField(Section section, String pointer, String name, Node node) {
    var part = part(section, name);
    if (part.isPresent()) {
      readPart(part.get(), pointer, node);
      return;
    }
    var key = key(section, name);
    if (key.isEmpty()) {
      throw unknown(section, pointer, name);
    }
    if (!node.isNull()) {
      add(key.get(), new Given(key.get().shape().read(name, pointer, node), pointer, name));
    }
  }

  private void readPart(Section part, String pointer, Node node) {
    if (node.isNull()) {
      return;
    }
    if (!(node instanceof Node.Fields fields)) {
      throw RequestException.invalid(
          pointer,
          "%s must be an object, not %s".formatted(part.key(), Shape.shown(node)),
          "its keys are " + String.join(", ", names(part)));
    }
    sections.add(part);
    readSection(part, pointer, fields);
  }

  private void add(RequestKey key, Given value) {
    var before = given.putIfAbsent(key, value);
    if (before != null && !before.value().equals(value.value())) {
      throw disagree(before, value);
    }
  }

  static RequestException disagree(Given one, Given other) {
    return RequestException.invalid(
        other.pointer(),
        "%s (%s) and %s (%s) say different things about the same setting"
            .formatted(one.spelling(), one.pointer(), other.spelling(), other.pointer()),
        "keep one of the two");
  }

  private static Optional<Section> part(Section within, String name) {
    return Stream.of(Section.values())
        .filter(s -> s != Section.ROOT && s.key().equals(name))
        .filter(s -> (s == Section.LABEL ? Section.DATASET : Section.ROOT) == within)
        .findFirst();
  }

  private static Optional<RequestKey> key(Section section, String name) {
    return Stream.of(RequestKey.values())
        .filter(k -> namesIn(k, section).contains(name))
        .findFirst();
  }

  private static List<String> namesIn(RequestKey key, Section section) {
    if (section == Section.ROOT) {
      return key.atRoot();
    }
    return key.section() == section ? key.inSection() : List.of();
  }

  /** Every name that may stand in a part. */
  static List<String> names(Section section) {
    var keys = Stream.of(RequestKey.values()).flatMap(k -> namesIn(k, section).stream());
    var parts =
        Stream.of(Section.values()).map(Section::key).filter(n -> part(section, n).isPresent());
    return Stream.concat(parts, keys).distinct().toList();
  }

  private static RequestException unknown(Section section, String pointer, String name) {
    var elsewhere = UnsupportedKeys.calledElsewhere(name);
    if (elsewhere.isPresent()) {
      var key = elsewhere.get();
      return RequestException.unsupported(
          pointer,
          "%s is what another tool calls %s; its dialect is not read yet"
              .formatted(name, key.key()),
          "write %s%s"
              .formatted(
                  key.key(), key.section() == Section.ROOT ? "" : " in " + key.section().key()));
    }
    if (UnsupportedKeys.contains(name)) {
      return RequestException.unsupported(
          pointer,
          "%s is known, but this version does not act on it".formatted(name),
          "leave it out, if the run does without");
    }
    for (var other : Section.values()) {
      if (other != section && names(other).contains(name)) {
        var place = other == Section.ROOT ? "at the top" : "in " + other.key();
        return RequestException.invalid(
            pointer, name + " does not belong here", "write it " + place);
      }
    }
    var known = names(section);
    var hint =
        Nearest.to(name, known)
            .map(n -> "did you mean " + n + "?")
            .orElse("known here: " + String.join(", ", known));
    return RequestException.invalid(pointer, "unknown key '" + clipped(name) + "'", hint);
  }

  private static String clipped(String name) {
    return name.length() > 40 ? name.substring(0, 40) + "…" : name;
  }
}
