package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How captions are made for pictures that came without one. Captions that came with the pictures
 * are kept. On the wire all of it stands side by side, see {@link LabelFields}.
 *
 * @param labeler which kind of model
 * @param model the repository of the label model: CLIP for {@code clip} and {@code blip+clip}, BLIP
 *     for {@code blip}; null when {@code labeler} is none
 * @param captionModel the repository of the BLIP of {@code blip+clip}; null for every other
 * @param kinds what to choose from: labels of one kind exclude each other, those of different kinds
 *     do not; in order; empty = the built-in subjects, styles and mediums. The single word {@code
 *     subjects}, {@code styles} or {@code mediums} as the labels of a kind is that built-in list
 * @param mode how labels are chosen
 * @param templates prompt templates around each label, with {@code {}} for it
 * @param threshold smallest probability of a label that is written after the best one
 * @param topK how many labels a caption may hold
 * @param rules how the text is put together
 * @param generation how a caption model writes
 * @param precision number format of the models' weights
 * @param target what is made of a picture beside its caption
 * @param animated what is done with a file of several pictures
 * @param sidecars whether captions are also given as a text file beside each picture
 */
public record LabelOptions(
    Labeler labeler,
    @Nullable String model,
    @Nullable String captionModel,
    Map<String, List<String>> kinds,
    Mode mode,
    List<String> templates,
    double threshold,
    int topK,
    CaptionRules rules,
    Generation generation,
    Precision precision,
    Target target,
    Animated animated,
    boolean sidecars) {

  /** The kind of labels that were given as a plain list. */
  public static final String ONE_KIND = "labels";

  /** The words that mean a built-in list of labels. */
  public static final List<String> BUILT_IN = List.of("subjects", "styles", "mediums");

  public LabelOptions {
    var copy = new LinkedHashMap<String, List<String>>();
    kinds.forEach((kind, labels) -> copy.put(kind, List.copyOf(labels)));
    kinds = Collections.unmodifiableMap(copy);
    templates = List.copyOf(templates);
  }

  /** Captions out of labels, everything else as if it were not written. */
  public LabelOptions(
      Labeler labeler,
      @Nullable String model,
      Map<String, List<String>> kinds,
      List<String> templates,
      double threshold,
      int topK,
      @Nullable String triggerWord) {
    this(
        labeler,
        model,
        null,
        kinds,
        Mode.PER_KIND,
        templates,
        threshold,
        topK,
        CaptionRules.trigger(triggerWord),
        Generation.DEFAULT,
        Precision.FP32,
        Target.CAPTION,
        Animated.FIRST,
        false);
  }

  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  static LabelOptions of(LabelFields fields) {
    return fields.toOptions();
  }

  @JsonValue
  LabelFields fields() {
    return LabelFields.of(this);
  }

  /** The kinds of labeler. */
  public enum Labeler {
    @JsonProperty("clip")
    CLIP,
    @JsonProperty("blip")
    BLIP,
    @JsonProperty("blip+clip")
    BLIP_AND_CLIP,
    @JsonProperty("none")
    NONE;

    /** Whether labels are chosen. */
    public boolean choosesLabels() {
      return this == CLIP || this == BLIP_AND_CLIP;
    }

    /** Whether text is written. */
    public boolean writesText() {
      return this == BLIP || this == BLIP_AND_CLIP;
    }
  }

  /** How labels are chosen. */
  public enum Mode {
    /** The best of the first kind, and of every kind those from the threshold on. */
    @JsonProperty("per_kind")
    PER_KIND,
    /** The one best of all. */
    @JsonProperty("single")
    SINGLE,
    /** Each by itself, those from the threshold on. */
    @JsonProperty("multi")
    MULTI
  }

  /** Number formats of weights. */
  public enum Precision {
    @JsonProperty("fp32")
    FP32,
    @JsonProperty("int8")
    INT8
  }

  /** What is made of a picture. */
  public enum Target {
    /** A caption. */
    @JsonProperty("caption")
    CAPTION,
    /** A class too: the name of the folder that it lies in. */
    @JsonProperty("folders")
    FOLDERS,
    /** A class too: the likeliest of the labels. */
    @JsonProperty("zero-shot")
    ZERO_SHOT
  }

  /** What is done with a file of several pictures. */
  public enum Animated {
    /** The first one is used. */
    @JsonProperty("first")
    FIRST,
    /** It is left out. */
    @JsonProperty("reject")
    REJECT
  }
}
