package flora.labeler.caption;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.CaptionRules;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Labeler;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a made caption depends on beside its picture: of two equal recipes the captions are equal.
 *
 * @param labeler which kind, as the request names it
 * @param model {@code owner/name@commit} of its model, or of its CLIP when it has two
 * @param captionModel {@code owner/name@commit} of the BLIP beside a CLIP
 * @param options digest of all options that captions depend on
 */
public record LabelRecipe(
    String labeler, @Nullable String model, @Nullable String captionModel, Sha256 options) {

  /** Raised when the same options make other captions than before. */
  private static final int VERSION = 1;

  /**
   * The recipe of a request. The tokenizer that a text's limit is counted by is no part of it.
   *
   * @param model {@code owner/name@commit}
   * @param captionModel {@code owner/name@commit}
   */
  public static LabelRecipe of(
      LabelOptions options, @Nullable String model, @Nullable String captionModel) {
    var labeler = options.labeler();
    // by name, and only what has a say: an option that comes later does not make old rows stale
    var named = new LinkedHashMap<String, Object>();
    named.put("version", VERSION);
    if (labeler.choosesLabels()) {
      named.put("kinds", LabelSet.of(options.kinds()).kinds());
      named.put("mode", options.mode());
      named.put("templates", options.templates());
      named.put("threshold", options.threshold());
      named.put("top_k", options.topK());
    }
    if (labeler.writesText()) {
      var generation = options.generation();
      if (generation.prompt() != null) {
        named.put("prompt", generation.prompt());
      }
      named.put("num_beams", generation.numBeams());
      named.put("max_new_tokens", generation.maxNewTokens());
      named.put("min_new_tokens", generation.minNewTokens());
      named.put("repetition_penalty", generation.repetitionPenalty());
      named.put("no_repeat_ngram_size", generation.noRepeatNgramSize());
      named.put("length_penalty", generation.lengthPenalty());
      named.put("early_stopping", generation.earlyStopping());
    }
    if (labeler != Labeler.NONE) {
      named.put("precision", options.precision());
    }
    named.put("target", options.target());
    putRules(named, options.rules());
    return new LabelRecipe(name(labeler), model, captionModel, Sha256.sum(Json.bytes(named)));
  }

  private static void putRules(Map<String, Object> named, CaptionRules rules) {
    if (rules.triggerWord() != null) {
      named.put("trigger_word", rules.triggerWord());
    }
    if (rules.prefix() != null) {
      named.put("prefix", rules.prefix());
    }
    if (rules.suffix() != null) {
      named.put("suffix", rules.suffix());
    }
    named.put("blacklist", rules.blacklist());
    // pairs, since their order has a say where two differ in case alone
    named.put(
        "replace",
        rules.replace().entrySet().stream().map(e -> List.of(e.getKey(), e.getValue())).toList());
    named.put("token_limit", rules.tokenLimit());
  }

  private static String name(Labeler labeler) {
    return switch (labeler) {
      case CLIP -> "clip";
      case BLIP -> "blip";
      case BLIP_AND_CLIP -> "blip+clip";
      case NONE -> "none";
    };
  }

  /** One digest for all of it: what rows are compared by. */
  public Sha256 digest() {
    // nulls are left out, so that a part that comes later does not make old rows stale
    var parts = new LinkedHashMap<String, Object>();
    parts.put("labeler", labeler);
    if (model != null) {
      parts.put("model", model);
    }
    if (captionModel != null) {
      parts.put("caption_model", captionModel);
    }
    parts.put("options", options);
    return Sha256.sum(Json.bytes(parts));
  }
}
