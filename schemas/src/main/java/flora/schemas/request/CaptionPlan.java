package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says what becomes of a caption each time that its picture
 * is shown.
 *
 * @param captionDropoutRate probability that the whole caption is left out; absent = 0
 * @param captionDropoutEveryNEpochs in each so manieth epoch all are left out; 0 or absent = never
 * @param captionTagDropoutRate probability that a tag is left out; absent = 0
 * @param shuffleCaption tags come in another order each time; absent = false
 * @param keepTokens so many tags at the beginning keep their place; absent = 0
 * @param keepTokensSeparator what comes before it keeps its place; null = {@code keepTokens} says
 * @param captionSeparator between two tags; absent = a comma
 * @param captionPrefix put in front of every caption; null = nothing
 * @param captionSuffix put behind every caption; null = nothing
 * @param maxTokenLength tokens that are read: 75, 150 or 225; absent = 75
 * @param clipSkip which layer of the text encoder speaks, from the last, which is 1; absent = 1
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record CaptionPlan(
    Double captionDropoutRate,
    @JsonProperty("caption_dropout_every_n_epochs") Integer captionDropoutEveryNEpochs,
    Double captionTagDropoutRate,
    Boolean shuffleCaption,
    Integer keepTokens,
    @Nullable String keepTokensSeparator,
    String captionSeparator,
    @Nullable String captionPrefix,
    @Nullable String captionSuffix,
    Integer maxTokenLength,
    Integer clipSkip) {

  /** Tokens that a text encoder reads at once, without start and end. */
  public static final int WINDOW = 75;

  public CaptionPlan {
    captionDropoutRate = captionDropoutRate == null ? 0.0 : captionDropoutRate;
    captionDropoutEveryNEpochs =
        captionDropoutEveryNEpochs == null ? 0 : captionDropoutEveryNEpochs;
    captionTagDropoutRate = captionTagDropoutRate == null ? 0.0 : captionTagDropoutRate;
    shuffleCaption = shuffleCaption == null ? false : shuffleCaption;
    keepTokens = keepTokens == null ? 0 : keepTokens;
    captionSeparator = captionSeparator == null ? "," : captionSeparator;
    maxTokenLength = maxTokenLength == null ? WINDOW : maxTokenLength;
    clipSkip = clipSkip == null ? 1 : clipSkip;
  }

  /** What holds when nothing is said: captions as they are. */
  CaptionPlan() {
    this(0.0, 0, 0.0, false, 0, null, ",", null, null, 75, 1);
  }
}
