package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How captions are made for pictures that came without one. Captions that came with the pictures
 * are kept.
 *
 * @param labeler which kind of model
 * @param model the repository of the label model; null when {@code labeler} is none
 * @param labels what to choose from; empty = the built-in subjects, styles and mediums
 * @param templates prompt templates around each label, with {@code {}} for it
 * @param threshold smallest probability of a label that is written after the best one
 * @param topK how many labels a caption may hold
 * @param triggerWord put in front of every caption that is made
 */
public record LabelOptions(
    Labeler labeler,
    @Nullable String model,
    List<String> labels,
    List<String> templates,
    double threshold,
    int topK,
    @Nullable String triggerWord) {

  public LabelOptions {
    labels = List.copyOf(labels);
    templates = List.copyOf(templates);
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
    NONE
  }
}
