package flora.schemas.request;

import static flora.schemas.request.RequestKey.*;

import flora.schemas.request.Generation.EarlyStopping;
import flora.schemas.request.LabelOptions.Animated;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.LabelOptions.Mode;
import flora.schemas.request.LabelOptions.Precision;
import flora.schemas.request.LabelOptions.Target;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The part of {@link RequestAssembly} that is about captions. Pure. */
final class LabelAssembly {

  private static final String CLIP = "openai/clip-vit-large-patch14";
  private static final String BLIP = "Salesforce/blip-image-captioning-base";

  /** The frame of every caption, and one token in it. */
  private static final int FEWEST_TOKENS = 3;

  private static final List<RequestKey> CHOOSING =
      List.of(LABELS, MODE, TEMPLATES, THRESHOLD, TOP_K);
  private static final List<RequestKey> WRITING =
      List.of(
          PROMPT,
          NUM_BEAMS,
          MAX_NEW_TOKENS,
          MIN_NEW_TOKENS,
          NO_REPEAT_NGRAM_SIZE,
          REPETITION_PENALTY,
          LENGTH_PENALTY,
          EARLY_STOPPING);

  private static final List<RequestKey> ASSEMBLING =
      List.of(PREFIX, SUFFIX, BLACKLIST, REPLACE, TOKEN_LIMIT, PRECISION);

  private final GivenKeys given;

  LabelAssembly(GivenKeys given) {
    this.given = given;
  }

  LabelOptions assemble() {
    var labeler =
        switch (required(LABELER)) {
          case "blip" -> Labeler.BLIP;
          case "blip+clip" -> Labeler.BLIP_AND_CLIP;
          case "none" -> Labeler.NONE;
          default -> Labeler.CLIP;
        };
    var target =
        switch (required(TARGET)) {
          case "folders" -> Target.FOLDERS;
          case "zero-shot" -> Target.ZERO_SHOT;
          default -> Target.CAPTION;
        };
    refuseUseless(labeler);
    checkTemplates();
    if (target == Target.ZERO_SHOT && (given.kinds(LABELS).size() != 1)) {
      throw RequestException.invalid(
          given.pointer(LABELS),
          "target zero-shot needs one list of labels: the classes to choose from",
          "write labels: [first class, second class, …]");
    }
    return new LabelOptions(
        labeler,
        model(labeler),
        labeler == Labeler.BLIP_AND_CLIP ? repository(CAPTION_MODEL, BLIP) : null,
        given.kinds(LABELS),
        switch (required(MODE)) {
          case "single" -> Mode.SINGLE;
          case "multi" -> Mode.MULTI;
          default -> Mode.PER_KIND;
        },
        given.texts(TEMPLATES),
        decimal(THRESHOLD),
        whole(TOP_K),
        rules(),
        generation(),
        required(PRECISION).equals("int8") ? Precision.INT8 : Precision.FP32,
        target,
        required(ANIMATED).equals("reject") ? Animated.REJECT : Animated.FIRST,
        given.flag(SIDECARS));
  }

  private @Nullable String model(Labeler labeler) {
    return switch (labeler) {
      case CLIP, BLIP_AND_CLIP -> repository(LABEL_MODEL, CLIP);
      case BLIP -> repository(LABEL_MODEL, BLIP);
      case NONE -> null;
    };
  }

  private CaptionRules rules() {
    int limit = whole(TOKEN_LIMIT);
    if (limit > 0 && limit < FEWEST_TOKENS) {
      throw RequestException.invalid(
          given.pointer(TOKEN_LIMIT),
          "token_limit must be at least %d: two tokens frame every caption"
              .formatted(FEWEST_TOKENS),
          "write 0 for no limit");
    }
    return new CaptionRules(
        given.text(TRIGGER_WORD),
        given.text(PREFIX),
        given.text(SUFFIX),
        given.texts(BLACKLIST),
        given.textMap(REPLACE),
        limit);
  }

  private Generation generation() {
    int longest = whole(MAX_NEW_TOKENS);
    int shortest = whole(MIN_NEW_TOKENS);
    if (shortest > longest) {
      throw RequestException.invalid(
          given.pointer(MIN_NEW_TOKENS),
          "min_new_tokens %d is more than max_new_tokens %d".formatted(shortest, longest),
          "write at most as many");
    }
    return new Generation(
        given.text(PROMPT),
        whole(NUM_BEAMS),
        longest,
        shortest,
        decimal(REPETITION_PENALTY),
        whole(NO_REPEAT_NGRAM_SIZE),
        decimal(LENGTH_PENALTY),
        switch (required(EARLY_STOPPING)) {
          case "true" -> EarlyStopping.TRUE;
          case "never" -> EarlyStopping.NEVER;
          default -> EarlyStopping.FALSE;
        });
  }

  private void refuseUseless(Labeler labeler) {
    if (labeler == Labeler.NONE && given.has(LABEL_MODEL)) {
      throw RequestException.invalid(
          given.pointer(LABEL_MODEL),
          "label.model has no use with labeler none",
          "leave it out, or write labeler clip");
    }
    if (labeler == Labeler.NONE) {
      refuse(ASSEMBLING, "clip, blip or blip+clip");
    }
    if (labeler != Labeler.BLIP_AND_CLIP && given.has(CAPTION_MODEL)) {
      throw RequestException.invalid(
          given.pointer(CAPTION_MODEL),
          "caption_model has no use with labeler " + required(LABELER),
          labeler == Labeler.BLIP ? "write it as model" : "leave it out, or write blip+clip");
    }
    if (!labeler.choosesLabels()) {
      refuse(CHOOSING, "clip or blip+clip");
    }
    if (!labeler.writesText()) {
      refuse(WRITING, "blip or blip+clip");
    }
  }

  private void refuse(List<RequestKey> useless, String labelers) {
    for (var key : useless) {
      if (given.asksFor(key)) {
        throw RequestException.invalid(
            given.pointer(key),
            "%s has no use with labeler %s".formatted(key.key(), required(LABELER)),
            "leave it out, or write labeler " + labelers);
      }
    }
  }

  private void checkTemplates() {
    for (var template : given.texts(TEMPLATES)) {
      if (!template.contains("{}")) {
        throw RequestException.invalid(
            given.pointer(TEMPLATES), "a template must contain {} where the label goes", null);
      }
    }
    if (given.texts(TEMPLATES).isEmpty()) {
      throw RequestException.invalid(
          given.pointer(TEMPLATES),
          "templates must not be empty",
          "write \"{}\" for the bare label");
    }
  }

  private String repository(RequestKey key, String otherwise) {
    var text = Objects.requireNonNullElse(given.text(key), otherwise);
    return References.repository(key.key(), given.pointer(key), text);
  }

  private String required(RequestKey key) {
    return Objects.requireNonNull(given.text(key), key.key());
  }

  private int whole(RequestKey key) {
    return Math.toIntExact(Objects.requireNonNull(given.whole(key), key.key()));
  }

  private double decimal(RequestKey key) {
    return Objects.requireNonNull(given.decimal(key), key.key());
  }
}
