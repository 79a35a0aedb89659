package flora.models.tokenizer;

import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.Unreadable;
import flora.models.ModelException.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the JSON files of all tokenizers have in common. */
final class TokenizerJson {

  /**
   * A token that is taken as a whole.
   *
   * @param normalized whether it is looked for in the normalised text, so that case does not matter
   */
  record Added(String content, int id, boolean normalized, boolean special) {}

  private static final JsonMapper JSON = JsonMapper.builder().build();

  private TokenizerJson() {}

  /** What stands under a key that must be there. */
  static JsonNode child(Path file, JsonNode parent, String key) {
    JsonNode child = parent.get(key);
    if (child == null || child.isNull()) {
      throw new ConfigInvalid(file, key + " is missing, this is no tokenizer of the expected kind");
    }
    return child;
  }

  /** The file's content; an empty object where there is no file. */
  static JsonNode optional(Path file) {
    return Files.exists(file) ? json(file) : JSON.createObjectNode();
  }

  /** The file's content. */
  static JsonNode json(Path file) {
    try {
      return JSON.readTree(text(file));
    } catch (JacksonException e) {
      throw new ConfigInvalid(file, "not valid JSON: " + e.getOriginalMessage());
    }
  }

  /** The file's text. */
  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new Unreadable(file, e);
    }
  }

  /** How many ids the model takes; older repositories say {@code 1e30} for "no limit". */
  static int maxLength(JsonNode config, int absent) {
    JsonNode length = config.path("model_max_length");
    return length.isIntegralNumber() && length.canConvertToInt() && length.intValue() > 2
        ? length.intValue()
        : absent;
  }

  /** An object of tokens and their ids. */
  static Map<String, Integer> ids(Path file, JsonNode object) {
    var vocabulary = new HashMap<String, Integer>();
    for (var token : object.properties()) {
      if (!token.getValue().isIntegralNumber()) {
        throw new ConfigInvalid(file, "the id of token " + token.getKey() + " is no number");
      }
      vocabulary.put(token.getKey(), token.getValue().intValue());
    }
    return vocabulary;
  }

  /** One entry of a table of added tokens. */
  static Added addedToken(Path file, int id, JsonNode token) {
    for (String key : List.of("single_word", "lstrip", "rstrip")) {
      only(file, "added token " + id + ": " + key, token.get(key), "false");
    }
    String content = content(token);
    if (id < 0 || content == null || content.isEmpty()) {
      throw new ConfigInvalid(file, "an added token has no id or no content: " + token);
    }
    boolean special = token.path("special").asBoolean(false);
    return new Added(content, id, token.path("normalized").asBoolean(!special), special);
  }

  /** Adds what tokenizer_config.json says of added tokens, as the peer does on loading. */
  static void addConfigured(Path folder, JsonNode config, Map<Integer, Added> added) {
    Path file = folder.resolve("tokenizer_config.json");
    for (var token : config.path("added_tokens_decoder").properties()) {
      int id = id(file, token.getKey());
      added.putIfAbsent(id, addedToken(file, id, token.getValue()));
    }
  }

  /** The token of a role by tokenizer_config.json or special_tokens_map.json; null for none. */
  static @Nullable String special(String key, JsonNode config, JsonNode map) {
    // without a table of added tokens the older map wins, as in the peer
    boolean old = !config.has("added_tokens_decoder");
    String first = content((old ? map : config).path(key));
    String second = content((old ? config : map).path(key));
    return first != null ? first : second;
  }

  private static @Nullable String content(JsonNode token) {
    JsonNode text = token.isObject() ? token.path("content") : token;
    return text.isString() ? text.stringValue() : null;
  }

  private static int id(Path file, String key) {
    try {
      return Integer.parseInt(key);
    } catch (NumberFormatException e) {
      throw new ConfigInvalid(file, "added_tokens_decoder has the key " + key + ", not an id");
    }
  }

  /** Refuses every value but these, given as JSON; absent and null pass. */
  static void only(Path file, String key, @Nullable JsonNode value, String... supported) {
    if (value == null || value.isNull()) {
      return;
    }
    for (String json : supported) {
      if (value.equals(JSON.readTree(json))) {
        return;
      }
    }
    throw new Unsupported(
        file, key, value, "this tokenizer does only " + String.join(", ", supported));
  }
}
