package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * How a caption model writes; names and meaning are those of {@code transformers}'
 * GenerationConfig.
 *
 * @param prompt the beginning of every caption
 * @param numBeams how many beginnings are followed at once; 1 = the likeliest next token is taken
 * @param maxNewTokens longest, tokens after the prompt
 * @param minNewTokens shortest, tokens after the prompt
 * @param repetitionPenalty above 1 = what was said already becomes less likely
 * @param noRepeatNgramSize no run of so many tokens comes twice; 0 = it may
 * @param lengthPenalty above 0 = beams favour long captions, below 0 short ones
 * @param earlyStopping when the search for beams ends
 */
public record Generation(
    @Nullable String prompt,
    int numBeams,
    int maxNewTokens,
    int minNewTokens,
    double repetitionPenalty,
    int noRepeatNgramSize,
    double lengthPenalty,
    EarlyStopping earlyStopping) {

  /** What a request means that says nothing of it. */
  public static final Generation DEFAULT =
      new Generation(null, 1, 30, 0, 1.0, 3, 1.0, EarlyStopping.FALSE);

  /** When the search for beams ends. */
  public enum EarlyStopping {
    /** As soon as there are as many finished captions as beams. */
    @JsonProperty("true")
    TRUE,
    /** When a better one is unlikely. */
    @JsonProperty("false")
    FALSE,
    /** When there can be no better one. */
    @JsonProperty("never")
    NEVER
  }
}
