package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.request.RequestKey.Section;
import java.time.Duration;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
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

  /**
   * A name at the top of a document.
   *
   * @param name of the document's dialect
   * @param pointer where it stands
   * @param node its value
   */
  record Entry(String name, String pointer, Node node) {}

  private final Dialect dialect;
  private final Map<RequestKey, Given> given = new EnumMap<>(RequestKey.class);
  private final Map<RequestKey, Object> preset;
  private final Set<Section> sections = EnumSet.noneOf(Section.class);
  private final List<String> warnings = new ArrayList<>();

  private GivenKeys(Dialect dialect, List<Entry> entries) {
    this.dialect = dialect;
    entries.forEach(e -> readField(Section.ROOT, e.pointer(), e.name(), e.node()));
    var chosen = given.get(RequestKey.TRAIN_PRESET);
    this.preset =
        chosen == null ? Map.of() : Presets.values((String) chosen.value(), chosen.pointer());
  }

  /** Reads a document in our own dialect. */
  static GivenKeys of(Node.Fields document) {
    return of(document, Dialect.FLORA);
  }

  /** Reads a document. */
  static GivenKeys of(Node.Fields document, Dialect dialect) {
    return new GivenKeys(
        dialect,
        switch (dialect) {
          case FLORA -> DialectEntries.flora(document);
          case KOHYA -> KohyaEntries.of(document);
          case DIFFUSERS -> DialectEntries.diffusers(document);
        });
  }

  /** Whose names and defaults they are. */
  Dialect dialect() {
    return dialect;
  }

  /** What there was to say while they were read. */
  List<String> warnings() {
    return warnings;
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

  /** Lets a key have another value than the one that was given. */
  void replace(RequestKey key, Object value) {
    given.computeIfPresent(key, (_, g) -> new Given(value, g.pointer(), g.spelling()));
  }

  /** What was given for a key. */
  Optional<Given> get(RequestKey key) {
    return Optional.ofNullable(given.get(key));
  }

  /** The value of a key, or its default. */
  private @Nullable Object value(RequestKey key) {
    var found = given.get(key);
    return found == null ? preset.getOrDefault(key, key.fallback(dialect)) : found.value();
  }

  /** A number of steps, or the share of all of them below 1. */
  Number steps(RequestKey key) {
    return (Number) Objects.requireNonNull(value(key), key.key());
  }

  /** The side of a square, or width and height. */
  Shape.Side.Area area(RequestKey key) {
    var value = value(key);
    return value instanceof Shape.Side.Area area
        ? area
        : new Shape.Side.Area(
            (Long) Objects.requireNonNull(value), (Long) Objects.requireNonNull(value));
  }

  @Nullable Duration time(RequestKey key) {
    return (Duration) value(key);
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
    return found != null && !found.value().equals(key.fallback(dialect));
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
      without(section, pointer, name, node);
    } else if (!key.get().isActedOn()) {
      if (!node.isNull()) {
        add(key.get(), new Given(whatHoldsAnyway(key.get(), pointer, name, node), pointer, name));
      }
    } else if (!node.isNull()) {
      add(key.get(), new Given(key.get().shape().read(name, pointer, node), pointer, name));
    }
  }

  /** A key that nothing acts on may say what holds anyway. */
  private static Object whatHoldsAnyway(RequestKey key, String pointer, String name, Node node) {
    var value = key.shape().readOrNull(node);
    if (value == null || !value.equals(key.fallback())) {
      throw NotThere.yet(pointer, name);
    }
    return value;
  }

  /** A name that is no key's: it may ask for nothing, or for what is done anyway. */
  private void without(Section section, String pointer, String name, Node node) {
    if (UnsupportedKeys.contains(name) && UnsupportedKeys.asksForNothing(name, node)) {
      return;
    }
    if (section == Section.ROOT && dialect != Dialect.FLORA) {
      var fulfilled = Fulfilled.find(name, node);
      if (fulfilled.isPresent()) {
        if (!fulfilled.get().isEmpty()) {
          warnings.add(name + ": " + fulfilled.get());
        }
        return;
      }
    }
    throw NotThere.of(dialect, section, pointer, name);
  }

  private void readPart(Section part, String pointer, Node node) {
    if (node.isNull()) {
      return;
    }
    if (!(node instanceof Node.Fields fields)) {
      throw RequestException.invalid(
          pointer,
          "%s must be an object, not %s".formatted(part.key(), Shape.shown(node)),
          "its keys are " + String.join(", ", names(dialect, part)));
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

  private Optional<RequestKey> key(Section section, String name) {
    return Stream.of(RequestKey.values())
        .filter(k -> namesIn(dialect, k, section).contains(name))
        .findFirst();
  }

  private static List<String> namesIn(Dialect dialect, RequestKey key, Section section) {
    if (section == Section.ROOT) {
      return key.atRoot(dialect);
    }
    return key.section() == section ? key.inSection() : List.of();
  }

  /** Every name that may stand in a part. */
  static List<String> names(Dialect dialect, Section section) {
    var keys = Stream.of(RequestKey.values()).flatMap(k -> namesIn(dialect, k, section).stream());
    var parts =
        Stream.of(Section.values()).map(Section::key).filter(n -> part(section, n).isPresent());
    return Stream.concat(parts, keys).distinct().toList();
  }
}
