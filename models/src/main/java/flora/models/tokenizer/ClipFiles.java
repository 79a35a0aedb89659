package flora.models.tokenizer;

import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.FileMissing;
import flora.models.ModelException.Unreadable;
import flora.models.ModelException.Unsupported;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * What the files of a CLIP tokenizer say, whichever of them are there.
 *
 * @param source the file that gave the vocabulary, for messages
 * @param vocabulary token → id
 * @param merges pairs, the earliest learned first
 * @param added tokens that are found in the text before anything else
 * @param start the id before every text
 * @param end the id after every text, and that of unknown letters
 * @param pad the id that fills up
 * @param maxLength the number of ids that the model takes
 */
record ClipFiles(
    Path source,
    Map<String, Integer> vocabulary,
    List<String[]> merges,
    List<Added> added,
    int start,
    int end,
    int pad,
    int maxLength) {

  /**
   * A token that is taken as a whole.
   *
   * @param normalized whether it is looked for in the normalised text, so that case does not matter
   */
  record Added(String content, int id, boolean normalized, boolean special) {}

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String START = "<|startoftext|>";
  private static final String END = "<|endoftext|>";
  private static final int CLIP_LENGTH = 77;

  private static final String NORMALIZER =
      """
      {"type":"Sequence","normalizers":[{"type":"NFC"},
       {"type":"Replace","pattern":{"Regex":"\\\\s+"},"content":" "},{"type":"Lowercase"}]}""";
  private static final String SPLIT =
      """
      {"type":"Split","pattern":{"Regex":
       "'s|'t|'re|'ve|'m|'ll|'d|[\\\\p{L}]+|[\\\\p{N}]|[^\\\\s\\\\p{L}\\\\p{N}]+"},
       "behavior":"Removed","invert":true}""";

  /**
   * From {@code tokenizer.json} where it is, else from {@code vocab.json} and {@code merges.txt}.
   */
  static ClipFiles read(Path folder) {
    return Files.exists(folder.resolve("tokenizer.json")) ? fast(folder) : slow(folder);
  }

  /** From {@code tokenizer.json}. */
  static ClipFiles fast(Path folder) {
    Path file = folder.resolve("tokenizer.json");
    JsonNode json = json(file);
    JsonNode model = child(file, json, "model");
    only(file, "model.type", model.get("type"), "\"BPE\"");
    only(file, "model.dropout", model.get("dropout"));
    only(file, "model.continuing_subword_prefix", model.get("continuing_subword_prefix"), "\"\"");
    only(file, "model.end_of_word_suffix", child(file, model, "end_of_word_suffix"), "\"</w>\"");
    only(file, "model.fuse_unk", model.get("fuse_unk"), "false");
    only(file, "model.byte_fallback", model.get("byte_fallback"), "false");
    only(file, "model.ignore_merges", model.get("ignore_merges"), "false");
    only(file, "normalizer", child(file, json, "normalizer"), NORMALIZER);
    JsonNode pieces = child(file, child(file, json, "pre_tokenizer"), "pretokenizers");
    only(file, "pre_tokenizer.pretokenizers[0]", pieces.path(0), SPLIT);
    only(file, "pre_tokenizer.pretokenizers[1].type", pieces.path(1).get("type"), "\"ByteLevel\"");
    only(file, "pre_tokenizer.….add_prefix_space", pieces.path(1).get("add_prefix_space"), "false");
    JsonNode ends = child(file, json, "post_processor");
    only(file, "post_processor.type", ends.get("type"), "\"RobertaProcessing\"");

    var vocabulary = vocabulary(file, child(file, model, "vocab"));
    var merges = new ArrayList<String[]>();
    for (JsonNode merge : child(file, model, "merges")) {
      merges.add(
          merge.isArray()
              ? new String[] {merge.path(0).asString(""), merge.path(1).asString("")}
              : pair(file, merge.asString("")));
    }
    var added = new LinkedHashMap<Integer, Added>();
    for (JsonNode token : json.path("added_tokens")) {
      int id = token.path("id").asInt(-1);
      added.put(id, added(file, id, token));
    }
    return complete(
        folder,
        file,
        vocabulary,
        merges,
        added,
        child(file, ends, "cls").path(0).asString(START),
        child(file, ends, "sep").path(0).asString(END));
  }

  /** From {@code vocab.json} and {@code merges.txt}. */
  static ClipFiles slow(Path folder) {
    Path file = folder.resolve("vocab.json");
    if (!Files.exists(file)) {
      throw new FileMissing(
          folder.resolve("tokenizer.json"),
          "a CLIP tokenizer needs it, or vocab.json and merges.txt");
    }
    Path mergesFile = folder.resolve("merges.txt");
    if (!Files.exists(mergesFile)) {
      throw new FileMissing(mergesFile, "vocab.json needs it beside itself");
    }
    var merges = new ArrayList<String[]>();
    for (String line : text(mergesFile).split("\n")) {
      String merge = line.strip();
      if (!merge.isEmpty() && !merge.startsWith("#version")) {
        merges.add(pair(mergesFile, merge));
      }
    }
    return complete(
        folder, file, vocabulary(file, json(file)), merges, new LinkedHashMap<>(), null, null);
  }

  /**
   * Adds what tokenizer_config.json and special_tokens_map.json say, as the peer does on loading.
   */
  private static ClipFiles complete(
      Path folder,
      Path source,
      Map<String, Integer> vocabulary,
      List<String[]> merges,
      Map<Integer, Added> added,
      @Nullable String cls,
      @Nullable String sep) {
    JsonNode config = optional(folder.resolve("tokenizer_config.json"));
    JsonNode map = optional(folder.resolve("special_tokens_map.json"));
    for (var token : config.path("added_tokens_decoder").properties()) {
      int id = id(folder.resolve("tokenizer_config.json"), token.getKey());
      added.putIfAbsent(id, added(folder.resolve("tokenizer_config.json"), id, token.getValue()));
    }
    var ids = new HashMap<>(vocabulary);
    added.values().forEach(token -> ids.put(token.content, token.id));
    String start = cls != null ? cls : special("bos_token", START, config, map);
    String end = sep != null ? sep : special("eos_token", END, config, map);
    String pad = special("pad_token", END, config, map);
    for (String token : List.of(start, end, pad)) {
      Integer id = ids.get(token);
      if (id == null) {
        throw new ConfigInvalid(source, "the vocabulary has no token " + token);
      }
      boolean usual = token.equals(START) || token.equals(END);
      added.putIfAbsent(id, new Added(token, id, usual, true));
    }
    return new ClipFiles(
        source,
        vocabulary,
        merges,
        List.copyOf(added.values()),
        ids.getOrDefault(start, 0),
        ids.getOrDefault(end, 0),
        ids.getOrDefault(pad, 0),
        maxLength(config));
  }

  /** Older repositories say {@code 1e30} for "no limit"; CLIP has 77 positions. */
  private static int maxLength(JsonNode config) {
    JsonNode length = config.path("model_max_length");
    return length.isIntegralNumber() && length.canConvertToInt() && length.intValue() > 2
        ? length.intValue()
        : CLIP_LENGTH;
  }

  private static String special(String key, String absent, JsonNode config, JsonNode map) {
    // without a table of added tokens the older map wins, as in the peer
    boolean old = !config.has("added_tokens_decoder");
    String first = content((old ? map : config).path(key));
    String second = content((old ? config : map).path(key));
    return first != null ? first : second != null ? second : absent;
  }

  private static @Nullable String content(JsonNode token) {
    JsonNode text = token.isObject() ? token.path("content") : token;
    return text.isString() ? text.stringValue() : null;
  }

  private static Added added(Path file, int id, JsonNode token) {
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

  private static Map<String, Integer> vocabulary(Path file, JsonNode object) {
    var vocabulary = new HashMap<String, Integer>();
    for (var token : object.properties()) {
      if (!token.getValue().isIntegralNumber()) {
        throw new ConfigInvalid(file, "the id of token " + token.getKey() + " is no number");
      }
      vocabulary.put(token.getKey(), token.getValue().intValue());
    }
    return vocabulary;
  }

  private static String[] pair(Path file, String merge) {
    String[] parts = merge.split(" ");
    if (parts.length != 2) {
      throw new ConfigInvalid(file, "\"" + merge + "\" is not a merge of two tokens");
    }
    return parts;
  }

  private static int id(Path file, String key) {
    try {
      return Integer.parseInt(key);
    } catch (NumberFormatException e) {
      throw new ConfigInvalid(file, "added_tokens_decoder has the key " + key + ", not an id");
    }
  }

  private static void only(Path file, String key, @Nullable JsonNode value, String... supported) {
    if (value == null || value.isNull()) {
      return;
    }
    for (String json : supported) {
      if (value.equals(JSON.readTree(json))) {
        return;
      }
    }
    throw new Unsupported(
        file, key, value, "this tokenizer does CLIP's own: " + String.join(", ", supported));
  }

  private static JsonNode child(Path file, JsonNode parent, String key) {
    JsonNode child = parent.get(key);
    if (child == null || child.isNull()) {
      throw new ConfigInvalid(file, key + " is missing, expected a CLIP tokenizer");
    }
    return child;
  }

  private static JsonNode optional(Path file) {
    return Files.exists(file) ? json(file) : JSON.createObjectNode();
  }

  private static JsonNode json(Path file) {
    try {
      return JSON.readTree(text(file));
    } catch (JacksonException e) {
      throw new ConfigInvalid(file, "not valid JSON: " + e.getOriginalMessage());
    }
  }

  private static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new Unreadable(file, e);
    }
  }
}
