package flora.models.generate;

/**
 * How a text is searched; each as the parameter of transformers' {@code GenerationConfig}.
 *
 * @param beams how many texts are followed side by side; 1 is greedy search
 * @param maxNewTokens the most tokens after the beginning
 * @param minNewTokens the text does not end before it has so many tokens after the beginning
 * @param repetitionPenalty by how much a token that has been used is less likely; 1 is not
 * @param noRepeatNgram no run of so many tokens comes twice; 0 allows it
 * @param lengthPenalty exponent of the length by which a text's score is divided: above 0 favours
 *     long texts; only with beams
 * @param early when a beam search stops
 */
public record GenerationOptions(
    int beams,
    int maxNewTokens,
    int minNewTokens,
    double repetitionPenalty,
    int noRepeatNgram,
    double lengthPenalty,
    EarlyStopping early) {

  public GenerationOptions {
    require(beams >= 1, "beams", beams, "at least 1");
    require(maxNewTokens >= 1, "max_new_tokens", maxNewTokens, "at least 1");
    require(
        minNewTokens >= 0 && minNewTokens <= maxNewTokens,
        "min_new_tokens",
        minNewTokens,
        "0 to max_new_tokens = " + maxNewTokens);
    require(
        repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
        "repetition_penalty",
        repetitionPenalty,
        "above 0");
    require(noRepeatNgram >= 0, "no_repeat_ngram_size", noRepeatNgram, "at least 0");
    require(Double.isFinite(lengthPenalty), "length_penalty", lengthPenalty, "a finite number");
  }

  /** Greedy search without any guard. */
  public static GenerationOptions greedy(int maxNewTokens) {
    return new GenerationOptions(1, maxNewTokens, 0, 1, 0, 1, EarlyStopping.FALSE);
  }

  private static void require(boolean right, String key, Object value, String expected) {
    if (!right) {
      throw new IllegalArgumentException("%s = %s; expected %s".formatted(key, value, expected));
    }
  }
}
