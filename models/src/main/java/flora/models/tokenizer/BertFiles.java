package flora.models.tokenizer;

import static flora.models.tokenizer.TokenizerJson.addConfigured;
import static flora.models.tokenizer.TokenizerJson.addedToken;
import static flora.models.tokenizer.TokenizerJson.child;
import static flora.models.tokenizer.TokenizerJson.ids;
import static flora.models.tokenizer.TokenizerJson.json;
import static flora.models.tokenizer.TokenizerJson.only;
import static flora.models.tokenizer.TokenizerJson.optional;
import static flora.models.tokenizer.TokenizerJson.special;
import static flora.models.tokenizer.TokenizerJson.text;

import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.FileMissing;
import flora.models.ModelException.Unsupported;
import flora.models.tokenizer.TokenizerJson.Added;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/**
 * What the files of a BERT tokenizer say, whichever of them are there.
 *
 * @param vocabulary token → id
 * @param added tokens that are found in the text before anything else
 * @param unknown the id of words that the vocabulary cannot make
 * @param start the id before every text
 * @param end the id after every text
 * @param pad the id that fills up
 * @param bos the id that a decoder starts with, if there is one
 * @param maxLength the number of ids that the model takes
 * @param words how a text falls into words
 * @param longestWord longer words are unknown
 * @param tidiesTokens whether a decoded token loses the space before a sign
 * @param tidiesTexts whether a decoded text does
 */
record BertFiles(
    Map<String, Integer> vocabulary,
    List<Added> added,
    int unknown,
    int start,
    int end,
    int pad,
    Optional<Integer> bos,
    int maxLength,
    BertWords words,
    int longestWord,
    boolean tidiesTokens,
    boolean tidiesTexts) {

  private static final String START = "[CLS]";
  private static final String END = "[SEP]";
  private static final String UNKNOWN = "[UNK]";
  private static final String PAD = "[PAD]";
  private static final String MASK = "[MASK]";
  private static final int BERT_LENGTH = 512;
  private static final int LONGEST_WORD = 100;

  /** From {@code tokenizer.json} where it is, else from {@code vocab.txt}. */
  static BertFiles read(Path folder) {
    return Files.exists(folder.resolve("tokenizer.json")) ? fast(folder) : slow(folder);
  }

  /** From {@code tokenizer.json}. */
  private static BertFiles fast(Path folder) {
    Path file = folder.resolve("tokenizer.json");
    JsonNode json = json(file);
    JsonNode model = child(file, json, "model");
    only(file, "model.type", model.get("type"), "\"WordPiece\"");
    only(file, "model.continuing_subword_prefix", model.get("continuing_subword_prefix"), "\"##\"");
    JsonNode normalizer = child(file, json, "normalizer");
    only(file, "normalizer.type", child(file, normalizer, "type"), "\"BertNormalizer\"");
    only(file, "normalizer.clean_text", normalizer.get("clean_text"), "true");
    JsonNode split = child(file, json, "pre_tokenizer");
    only(file, "pre_tokenizer.type", child(file, split, "type"), "\"BertPreTokenizer\"");
    JsonNode decoder = child(file, json, "decoder");
    only(file, "decoder.type", child(file, decoder, "type"), "\"WordPiece\"");
    only(file, "decoder.prefix", decoder.get("prefix"), "\"##\"");
    var added = new LinkedHashMap<Integer, Added>();
    for (JsonNode token : json.path("added_tokens")) {
      int id = token.path("id").asInt(-1);
      added.put(id, addedToken(file, id, token));
    }
    return complete(
        folder,
        file,
        ids(file, child(file, model, "vocab")),
        added,
        new Frame(
            model.path("unk_token").asString(UNKNOWN),
            end(file, json, "cls", 0),
            end(file, json, "sep", 2)),
        normalizer,
        model.path("max_input_chars_per_word").asInt(LONGEST_WORD),
        decoder.path("cleanup").asBoolean(true));
  }

  /** The token before or after every text. */
  private static String end(Path file, JsonNode json, String key, int place) {
    JsonNode ends = child(file, json, "post_processor");
    only(
        file,
        "post_processor.type",
        child(file, ends, "type"),
        "\"TemplateProcessing\"",
        "\"BertProcessing\"");
    JsonNode single = ends.path("single");
    JsonNode token =
        ends.has(key) ? ends.path(key).path(0) : single.path(place).path("SpecialToken").path("id");
    if (!token.isString() || (ends.has("single") && single.size() != 3)) {
      throw new Unsupported(
          file, "post_processor.single", single, "supported: one token before and one after");
    }
    return token.stringValue();
  }

  /** From {@code vocab.txt}, one token a line; of equal ones the last counts. */
  private static BertFiles slow(Path folder) {
    Path file = folder.resolve("vocab.txt");
    if (!Files.exists(file)) {
      throw new FileMissing(
          folder.resolve("tokenizer.json"), "a BERT tokenizer needs it, or vocab.txt");
    }
    var vocabulary = new HashMap<String, Integer>();
    String[] lines = text(file).split("\r\n|\n|\r", -1);
    for (int i = 0; i < lines.length; i++) {
      if (i < lines.length - 1 || !lines[i].isEmpty()) {
        vocabulary.put(lines[i], i);
      }
    }
    return complete(
        folder, file, vocabulary, new LinkedHashMap<>(), null, null, LONGEST_WORD, true);
  }

  /** The tokens that tokenizer.json itself names. */
  private record Frame(String unknown, String start, String end) {}

  /**
   * Adds what tokenizer_config.json and special_tokens_map.json say, as the peer does on loading:
   * where there is a tokenizer_config.json, its settings count, absent ones being BERT's.
   */
  private static BertFiles complete(
      Path folder,
      Path source,
      Map<String, Integer> vocabulary,
      Map<Integer, Added> added,
      @Nullable Frame frame,
      @Nullable JsonNode normalizer,
      int longestWord,
      boolean tidiesTokens) {
    Path configFile = folder.resolve("tokenizer_config.json");
    JsonNode config = optional(configFile);
    JsonNode map = optional(folder.resolve("special_tokens_map.json"));
    only(
        configFile,
        "tokenizer_class",
        config.get("tokenizer_class"),
        "\"BertTokenizer\"",
        "\"BertTokenizerFast\"");
    addConfigured(folder, config, added);
    var ids = new HashMap<>(vocabulary);
    added.values().forEach(token -> ids.put(token.content(), token.id()));
    String start = frame != null ? frame.start : role("cls_token", START, config, map);
    String end = frame != null ? frame.end : role("sep_token", END, config, map);
    String unknown = frame != null ? frame.unknown : role("unk_token", UNKNOWN, config, map);
    String pad = role("pad_token", PAD, config, map);
    String mask = role("mask_token", MASK, config, map);
    String bos = special("bos_token", config, map);
    for (String token : List.of(start, end, unknown, pad)) {
      if (!ids.containsKey(token)) {
        throw new ConfigInvalid(source, "the vocabulary has no token " + token);
      }
    }
    for (String token : List.of(start, end, unknown, pad, mask, bos == null ? pad : bos)) {
      Integer id = ids.get(token);
      if (id != null) {
        added.putIfAbsent(id, new Added(token, id, false, true));
      }
    }
    BertWords words =
        normalizer == null || Files.exists(configFile)
            ? words(config, "do_lower_case", "tokenize_chinese_chars")
            : words(normalizer, "lowercase", "handle_chinese_chars");
    return new BertFiles(
        vocabulary,
        List.copyOf(added.values()),
        ids.getOrDefault(unknown, 0),
        ids.getOrDefault(start, 0),
        ids.getOrDefault(end, 0),
        ids.getOrDefault(pad, 0),
        Optional.ofNullable(bos == null ? null : ids.get(bos)),
        TokenizerJson.maxLength(config, BERT_LENGTH),
        words,
        longestWord,
        tidiesTokens,
        // the peer's two classes have different defaults
        config.path("clean_up_tokenization_spaces").asBoolean(normalizer == null));
  }

  private static BertWords words(JsonNode settings, String lowercase, String ideographs) {
    boolean small = settings.path(lowercase).asBoolean(true);
    boolean strips = settings.path("strip_accents").asBoolean(small);
    return new BertWords(small, strips, settings.path(ideographs).asBoolean(true));
  }

  private static String role(String key, String absent, JsonNode config, JsonNode map) {
    return Objects.requireNonNullElse(special(key, config, map), absent);
  }
}
