package flora.schemas.request;

import flora.schemas.request.RequestKey.Section;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The keys of {@code dataset.label}. The names of what a caption model writes, and their defaults
 * where nothing else is said, are those of {@code transformers}' GenerationConfig.
 */
final class LabelKeys {

  private static final String TRANSFORMERS = "transformers' GenerationConfig";
  private static final String LINE = "a word or a few, at most 200 characters on one line";

  static final KeySpec LABELER =
      key(
          "labeler",
          choice("clip", "blip", "blip+clip", "none"),
          "clip",
          "Flora: zero-shot needs no captions to learn from");
  static final KeySpec MODEL =
      key(
          "model",
          new Shape.Text(1024, "a repository, owner/name[@revision]"),
          null,
          "openai/clip-vit-large-patch14, of which the text encoder of Stable Diffusion 1.5 is a"
              + " half; of blip Salesforce/blip-image-captioning-base");
  static final KeySpec CAPTION_MODEL =
      key(
          "caption_model",
          new Shape.Text(1024, "a repository, owner/name[@revision]"),
          null,
          "Salesforce/blip-image-captioning-base with blip+clip");
  static final KeySpec LABELS =
      key(
          "labels",
          new Shape.Kinds(20, 10_000, 200),
          Map.of(),
          "the built-in subjects, styles and mediums",
          "candidate_labels");
  static final KeySpec MODE =
      key("mode", choice("per_kind", "single", "multi"), "per_kind", "Flora");
  static final KeySpec TEMPLATES =
      key(
          "templates",
          new Shape.TextList(100, 200, false),
          List.of("a photo of {}", "a picture of {}", "a drawing of {}", "{}"),
          "Flora: after the prompt ensembles of https://arxiv.org/abs/2103.00020, section 3.1.4",
          "hypothesis_template");
  static final KeySpec THRESHOLD =
      key("threshold", new Shape.Decimal(0, true, 1, true), 0.1, "Flora");
  static final KeySpec TOP_K = key("top_k", new Shape.Whole(1, 100, 1), 3L, "Flora");
  static final KeySpec TRIGGER_WORD = key("trigger_word", new Shape.Text(200, LINE), null, "none");
  static final KeySpec PREFIX = key("prefix", new Shape.Text(200, LINE), null, "none");
  static final KeySpec SUFFIX = key("suffix", new Shape.Text(200, LINE), null, "none");
  static final KeySpec BLACKLIST =
      key(
          "blacklist",
          new Shape.TextList(10_000, 200, false),
          List.of(),
          "none",
          "undesired_tags",
          "exclude_tags");
  static final KeySpec REPLACE =
      key("replace", new Shape.TextMap(10_000, 200), Map.of(), "none", "tag_replacement");
  static final KeySpec TOKEN_LIMIT =
      key(
          "token_limit",
          new Shape.Whole(0, 4096, 1),
          (long) CaptionRules.CLIP_TOKENS,
          "what a text encoder of CLIP reads");
  static final KeySpec PROMPT = key("prompt", new Shape.Text(200, LINE), null, "none");
  static final KeySpec NUM_BEAMS = key("num_beams", new Shape.Whole(1, 16, 1), 1L, TRANSFORMERS);
  static final KeySpec MAX_NEW_TOKENS =
      key("max_new_tokens", new Shape.Whole(1, 512, 1), 30L, "Flora: a sentence; transformers 20");
  static final KeySpec MIN_NEW_TOKENS =
      key("min_new_tokens", new Shape.Whole(0, 512, 1), 0L, TRANSFORMERS);
  static final KeySpec NO_REPEAT_NGRAM_SIZE =
      key(
          "no_repeat_ngram_size",
          new Shape.Whole(0, 100, 1),
          3L,
          "Flora: caption models tend to stammer; transformers 0");
  static final KeySpec REPETITION_PENALTY =
      key("repetition_penalty", new Shape.Decimal(0, false, 10, true), 1.0, TRANSFORMERS);
  static final KeySpec LENGTH_PENALTY =
      key("length_penalty", new Shape.Decimal(-10, true, 10, true), 1.0, TRANSFORMERS);
  static final KeySpec EARLY_STOPPING =
      key("early_stopping", new Shape.FlagOr(List.of("never")), "false", TRANSFORMERS);
  static final KeySpec PRECISION =
      key("precision", choice("fp32", "int8"), "fp32", "Flora: exactly what the model says");
  static final KeySpec TARGET =
      key("target", choice("caption", "folders", "zero-shot"), "caption", "Flora");
  static final KeySpec ANIMATED =
      key("animated", choice("first", "reject"), "first", "Pillow, which reads the first frame");
  static final KeySpec SIDECARS = key("sidecars", new Shape.Flag(), false, "Flora");

  private LabelKeys() {}

  private static KeySpec key(
      String key, Shape shape, @Nullable Object fallback, String source, String... foreign) {
    return new KeySpec(Section.LABEL, key, shape, fallback, source).theirs(foreign);
  }

  private static Shape choice(String... words) {
    return new Shape.Choice(List.of(words));
  }
}
