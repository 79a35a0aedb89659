package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.document.YamlDocument;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * Values that go together, by name: what a request says itself wins over them. They are written as
 * a request's {@code train} part and lie beside this class. {@code default} is the table's own.
 */
final class Presets {

  static final String DEFAULT = "default";
  static final List<String> NAMES = List.of(DEFAULT, "character", "style", "low-memory");

  private Presets() {}

  /**
   * What a preset says.
   *
   * @throws RequestException for one that needs what nothing acts on yet
   */
  static Map<RequestKey, Object> values(String name, String pointer) {
    var values = new EnumMap<RequestKey, Object>(RequestKey.class);
    written(name).values().forEach((key, node) -> put(values, name, pointer, key, node));
    return values;
  }

  private static void put(
      Map<RequestKey, Object> values, String preset, String pointer, String name, Node node) {
    var key =
        Stream.of(RequestKey.values())
            .filter(k -> k.section() == RequestKey.Section.TRAIN && k.key().equals(name))
            .findFirst()
            .orElseThrow();
    var value = key.shape().read(name, pointer, node);
    if (!key.isActedOn() && !value.equals(key.fallback())) {
      throw RequestException.unsupported(
          pointer,
          "preset %s says %s, which is known, but this version does not act on it"
              .formatted(preset, name),
          "leave the preset out and say what you need of it");
    }
    values.put(key, value);
  }

  /** As it is written. */
  static Node.Fields written(String name) {
    if (name.equals(DEFAULT)) {
      return new Node.Fields(new java.util.LinkedHashMap<>());
    }
    try (var in = Presets.class.getResourceAsStream("presets/" + name + ".yaml")) {
      if (in == null || !(YamlDocument.read(in.readAllBytes()) instanceof Node.Fields fields)) {
        throw new IllegalStateException("no preset " + name);
      }
      return fields;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
