package flora.models.tokenizer;

import static flora.models.tokenizer.TokenizerJson.addConfigured;
import static flora.models.tokenizer.TokenizerJson.addedToken;
import static flora.models.tokenizer.TokenizerJson.child;
import static flora.models.tokenizer.TokenizerJson.ids;
import static flora.models.tokenizer.TokenizerJson.json;
import static flora.models.tokenizer.TokenizerJson.only;
import static flora.models.tokenizer.TokenizerJson.optional;
import static flora.models.tokenizer.TokenizerJson.text;

import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.FileMissing;
import flora.models.tokenizer.TokenizerJson.Added;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

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

    var vocabulary = ids(file, child(file, model, "vocab"));
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
      added.put(id, addedToken(file, id, token));
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
    return complete(folder, file, ids(file, json(file)), merges, new LinkedHashMap<>(), null, null);
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
    addConfigured(folder, config, added);
    var ids = new HashMap<>(vocabulary);
    added.values().forEach(token -> ids.put(token.content(), token.id()));
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
        TokenizerJson.maxLength(config, CLIP_LENGTH));
  }

  private static String special(String key, String absent, JsonNode config, JsonNode map) {
    return Objects.requireNonNullElse(TokenizerJson.special(key, config, map), absent);
  }

  private static String[] pair(Path file, String merge) {
    String[] parts = merge.split(" ");
    if (parts.length != 2) {
      throw new ConfigInvalid(file, "\"" + merge + "\" is not a merge of two tokens");
    }
    return parts;
  }
}
