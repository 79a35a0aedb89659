package flora.models;

import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.FileMissing;
import flora.models.ModelException.Unreadable;
import flora.models.ModelException.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.json.JsonReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * A model's JSON configuration file, read by key.
 *
 * <p>An absent key and {@code null} are the peer class's default, which the caller passes. A value
 * of the wrong kind is a {@link ConfigInvalid} that names file and key; what is known but not done
 * is refused with {@link #only}.
 */
public final class ModelConfig {

  // the peers write infinities, which are no JSON
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final Path file;
  private final String prefix;
  private final JsonNode object;

  private ModelConfig(Path file, String prefix, JsonNode object) {
    this.file = file;
    this.prefix = prefix;
    this.object = object;
  }

  /** Reads a file that holds one JSON object. */
  public static ModelConfig read(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new FileMissing(file, "the model's configuration");
      }
      return of(file, Files.readString(file));
    } catch (IOException e) {
      throw new Unreadable(file, e);
    }
  }

  /** Takes the text of a configuration file; {@code file} is only for messages. */
  public static ModelConfig of(Path file, String json) {
    try {
      JsonNode node = JSON.readTree(json);
      if (!node.isObject()) {
        throw new ConfigInvalid(file, "expected a JSON object");
      }
      return new ModelConfig(file, "", node);
    } catch (JacksonException e) {
      throw new ConfigInvalid(file, "not valid JSON: " + e.getOriginalMessage());
    }
  }

  /** The same with another value of a key, a text, a number or a flag. */
  public ModelConfig with(String key, Object value) {
    var changed = ((ObjectNode) object.deepCopy()).set(key, JSON.valueToTree(value));
    return new ModelConfig(file, prefix, changed);
  }

  /** The file, for messages. */
  public Path file() {
    return file;
  }

  /** Whether the key is there and not null. */
  public boolean has(String key) {
    return node(key) != null;
  }

  /** All keys that are there, in the file's order. */
  public List<String> keys() {
    return List.copyOf(object.propertyNames());
  }

  /** The nested object; an empty one when absent. */
  public ModelConfig object(String key) {
    JsonNode node = node(key);
    if (node != null && !node.isObject()) {
      throw invalid(key, node, "an object");
    }
    return new ModelConfig(file, prefix + key + ".", node == null ? JSON.createObjectNode() : node);
  }

  /** A whole number that must be there. */
  public int integer(String key) {
    return integer(key, node(key));
  }

  /** A whole number, or the peer's default. */
  public int integer(String key, int absent) {
    JsonNode node = node(key);
    return node == null ? absent : integer(key, node);
  }

  /** A number that must be there. */
  public double decimal(String key) {
    return decimal(key, node(key));
  }

  /** A number, or the peer's default. */
  public double decimal(String key, double absent) {
    JsonNode node = node(key);
    return node == null ? absent : decimal(key, node);
  }

  /** A truth value, or the peer's default. */
  public boolean flag(String key, boolean absent) {
    JsonNode node = node(key);
    if (node == null) {
      return absent;
    }
    if (!node.isBoolean()) {
      throw invalid(key, node, "true or false");
    }
    return node.booleanValue();
  }

  /** A text; empty when absent. */
  public Optional<String> text(String key) {
    JsonNode node = node(key);
    if (node == null) {
      return Optional.empty();
    }
    if (!node.isString()) {
      throw invalid(key, node, "a text");
    }
    return Optional.of(node.stringValue());
  }

  /** A text, or the peer's default. */
  public String text(String key, String absent) {
    return text(key).orElse(absent);
  }

  /** Whether the value is a list. */
  public boolean isList(String key) {
    JsonNode node = node(key);
    return node != null && node.isArray();
  }

  /** Whether the value is a number. */
  public boolean isNumber(String key) {
    JsonNode node = node(key);
    return node != null && node.isNumber();
  }

  /** A list of whole numbers; empty when absent. */
  public List<Integer> integers(String key) {
    var values = new ArrayList<Integer>();
    for (JsonNode element : list(key)) {
      values.add(integer(key, element));
    }
    return List.copyOf(values);
  }

  /** A list of numbers; empty when absent. */
  public List<Double> decimals(String key) {
    var values = new ArrayList<Double>();
    for (JsonNode element : list(key)) {
      values.add(decimal(key, element));
    }
    return List.copyOf(values);
  }

  /** A list of truth values; empty when absent. */
  public List<Boolean> flags(String key) {
    var values = new ArrayList<Boolean>();
    for (JsonNode element : list(key)) {
      if (!element.isBoolean()) {
        throw invalid(key, element, "truth values");
      }
      values.add(element.booleanValue());
    }
    return List.copyOf(values);
  }

  /** A list of texts; empty when absent. */
  public List<String> texts(String key) {
    var values = new ArrayList<String>();
    for (JsonNode element : list(key)) {
      if (!element.isString()) {
        throw invalid(key, element, "texts");
      }
      values.add(element.stringValue());
    }
    return List.copyOf(values);
  }

  /**
   * Refuses every value but these; absent and null pass.
   *
   * @throws Unsupported naming file, key and value
   */
  public ModelConfig only(String key, Object... supported) {
    JsonNode node = node(key);
    if (node == null || Arrays.stream(supported).anyMatch(value -> equal(node, value))) {
      return this;
    }
    throw unsupported(key, "supported: " + Arrays.toString(supported));
  }

  /** Refuses a key unless it is absent or null. */
  public ModelConfig absent(String key) {
    return only(key);
  }

  /**
   * The exception that refuses the value of a key, for conditions that {@link #only} cannot say.
   */
  public Unsupported unsupported(String key, String hint) {
    return new Unsupported(file, prefix + key, String.valueOf(node(key)), hint);
  }

  private static boolean equal(JsonNode node, Object value) {
    return switch (value) {
      case Number number -> node.isNumber() && node.doubleValue() == number.doubleValue();
      case Boolean flag -> node.isBoolean() && node.booleanValue() == flag;
      case String text -> node.isString() && node.stringValue().equals(text);
      case List<?> list -> equal(node, list);
      default -> throw new IllegalArgumentException("no JSON value: " + value);
    };
  }

  private static boolean equal(JsonNode node, List<?> list) {
    if (!node.isArray() || node.size() != list.size()) {
      return false;
    }
    for (int i = 0; i < list.size(); i++) {
      if (!equal(node.get(i), Objects.requireNonNull(list.get(i)))) {
        return false;
      }
    }
    return true;
  }

  private @Nullable JsonNode node(String key) {
    JsonNode node = object.get(key);
    return node == null || node.isNull() ? null : node;
  }

  private List<JsonNode> list(String key) {
    JsonNode node = node(key);
    if (node == null) {
      return List.of();
    }
    if (!node.isArray()) {
      throw invalid(key, node, "a list");
    }
    var elements = new ArrayList<JsonNode>();
    node.forEach(elements::add);
    return elements;
  }

  private int integer(String key, @Nullable JsonNode node) {
    if (node == null || !node.isIntegralNumber() || !node.canConvertToInt()) {
      throw invalid(key, node, "a whole number");
    }
    return node.intValue();
  }

  private double decimal(String key, @Nullable JsonNode node) {
    if (node == null || !node.isNumber()) {
      throw invalid(key, node, "a number");
    }
    return node.doubleValue();
  }

  private ConfigInvalid invalid(String key, @Nullable JsonNode node, String expected) {
    return new ConfigInvalid(
        file,
        node == null
            ? prefix + key + " is missing, expected " + expected
            : "%s%s = %s, expected %s".formatted(prefix, key, node, expected));
  }
}
