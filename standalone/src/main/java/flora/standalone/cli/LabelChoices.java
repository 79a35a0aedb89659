package flora.standalone.cli;

import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * The options of {@code flora label} that say how to label. What is not given is left to the
 * server, which also says what is wrong with a value.
 */
final class LabelChoices {

  @Option(
      names = "--labeler",
      paramLabel = "clip|blip|blip+clip|none",
      description = "labels, a sentence, a sentence with labels, or only what lies there")
  String labeler = "clip";

  @Option(names = "--model", paramLabel = "REPO", description = "the CLIP; with blip: the BLIP")
  @Nullable String model;

  @Option(
      names = {"--caption-model", "--caption_model"},
      paramLabel = "REPO",
      description = "the BLIP of blip+clip")
  @Nullable String captionModel;

  @Option(
      names = "--labels",
      split = ",",
      paramLabel = "LABEL",
      description = "what to choose from; default: built-in subjects, styles and mediums")
  List<String> labels = List.of();

  @Option(
      names = "--kinds",
      paramLabel = "FILE",
      description = "YAML or JSON: a list of labels for each kind, such as colours: [red, blue]")
  @Nullable Path kinds;

  @Option(
      names = "--mode",
      paramLabel = "per_kind|single|multi",
      description = "the best of each kind, the best of all, or whatever applies")
  @Nullable String mode;

  @Option(
      names = {"--template", "--templates"},
      paramLabel = "TEXT",
      description = "prompt around each label, {} for it; may be repeated")
  List<String> templates = List.of();

  @Option(names = "--threshold", description = "smallest probability of a further label")
  @Nullable Double threshold;

  @Option(
      names = {"--top-k", "--top_k"},
      paramLabel = "COUNT",
      description = "most labels of a caption")
  @Nullable Integer topK;

  @Option(
      names = {"--trigger-word", "--trigger_word"},
      paramLabel = "WORD",
      description = "put in front of every caption")
  @Nullable String triggerWord;

  @Option(names = "--prefix", paramLabel = "TEXT", description = "behind the trigger word")
  @Nullable String prefix;

  @Option(names = "--suffix", paramLabel = "TEXT", description = "at the end of every caption")
  @Nullable String suffix;

  @Option(
      names = "--blacklist",
      split = ",",
      paramLabel = "PHRASE",
      description = "never in a caption")
  List<String> blacklist = List.of();

  @Option(
      names = "--replace",
      paramLabel = "OLD=NEW",
      description = "words to write otherwise; may be repeated")
  Map<String, String> replace = new LinkedHashMap<>();

  @Option(
      names = {"--token-limit", "--token_limit"},
      paramLabel = "COUNT",
      description = "longest caption in tokens; 0 = any; default: 77")
  @Nullable Integer tokenLimit;

  @Option(names = "--prompt", paramLabel = "TEXT", description = "how BLIP's sentence begins")
  @Nullable String prompt;

  @Option(
      names = {"--beams", "--num-beams", "--num_beams"},
      paramLabel = "COUNT",
      description = "sentences that BLIP weighs against each other")
  @Nullable Integer beams;

  @Option(
      names = {"--max-new-tokens", "--max_new_tokens"},
      paramLabel = "COUNT",
      description = "longest sentence of BLIP")
  @Nullable Integer maxNewTokens;

  @Option(
      names = {"--min-new-tokens", "--min_new_tokens"},
      paramLabel = "COUNT",
      description = "shortest sentence of BLIP")
  @Nullable Integer minNewTokens;

  @Option(
      names = {"--no-repeat-ngram-size", "--no_repeat_ngram_size"},
      paramLabel = "COUNT",
      description = "no run of so many tokens comes twice in a sentence; 0 allows it")
  @Nullable Integer noRepeatNgramSize;

  @Option(
      names = {"--repetition-penalty", "--repetition_penalty"},
      paramLabel = "FACTOR",
      description = "above 1: words that were said are less likely")
  @Nullable Double repetitionPenalty;

  @Option(
      names = {"--length-penalty", "--length_penalty"},
      paramLabel = "EXPONENT",
      description = "with several beams: above 0 favours long sentences")
  @Nullable Double lengthPenalty;

  @Option(
      names = {"--early-stopping", "--early_stopping"},
      paramLabel = "true|false|never",
      description = "with several beams: when the search is content")
  @Nullable String earlyStopping;

  @Option(
      names = "--precision",
      paramLabel = "fp32|int8",
      description =
          "int8: about twice as fast on processors with VNNI or AMX, nearly the same labels")
  @Nullable String precision;

  @Option(
      names = "--target",
      paramLabel = "caption|folders|zero-shot",
      description = "a class beside each caption: the folder's name, or the best of --labels")
  @Nullable String target;

  @Option(
      names = "--animated",
      paramLabel = "first|reject",
      description = "a file of several pictures: take the first, or none")
  @Nullable String animated;

  /** Writes what was given into the {@code label} part of a request. */
  void into(ObjectNode label) throws IOException {
    label.put("labeler", labeler);
    put(label, "model", model);
    put(label, "caption_model", captionModel);
    put(label, "mode", mode);
    put(label, "threshold", threshold);
    put(label, "top_k", topK);
    put(label, "trigger_word", triggerWord);
    put(label, "prefix", prefix);
    put(label, "suffix", suffix);
    put(label, "token_limit", tokenLimit);
    put(label, "prompt", prompt);
    put(label, "num_beams", beams);
    put(label, "max_new_tokens", maxNewTokens);
    put(label, "min_new_tokens", minNewTokens);
    put(label, "no_repeat_ngram_size", noRepeatNgramSize);
    put(label, "repetition_penalty", repetitionPenalty);
    put(label, "length_penalty", lengthPenalty);
    put(label, "early_stopping", earlyStopping);
    put(label, "precision", precision);
    put(label, "target", target);
    put(label, "animated", animated);
    if (!templates.isEmpty()) {
      templates.forEach(label.putArray("templates")::add);
    }
    if (!blacklist.isEmpty()) {
      blacklist.forEach(label.putArray("blacklist")::add);
    }
    if (!replace.isEmpty()) {
      replace.forEach(label.putObject("replace")::put);
    }
    labels(label);
  }

  private void labels(ObjectNode label) throws IOException {
    if (kinds != null && !labels.isEmpty()) {
      throw new InvalidInput("--labels and --kinds contradict each other: give one of them");
    }
    if (kinds != null) {
      label.set("labels", kinds(kinds));
    } else if (!labels.isEmpty()) {
      labels.forEach(label.putArray("labels")::add);
    }
  }

  private static JsonNode kinds(Path file) throws IOException {
    try {
      var read = new YAMLMapper().readTree(Files.readAllBytes(file));
      if (read.isObject() || read.isArray()) {
        return read;
      }
    } catch (JacksonException e) {
      throw new InvalidInput(
          "%s is neither YAML nor JSON: %s".formatted(file, e.getOriginalMessage()));
    }
    throw new InvalidInput(
        file + " holds no labels: expected a list for each kind, such as colours: [red, blue]");
  }

  private static void put(ObjectNode label, String key, @Nullable Object value) {
    if (value != null) {
      label.putPOJO(key, value);
    }
  }
}
