package flora.models.generate;

import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;

/**
 * Changes the scores of the next token by what the text holds, in transformers' order: repetition
 * penalty, repeated runs, shortest length.
 *
 * @param options which rules are in force
 * @param stop the token that ends a text
 * @param beginning how many tokens the text began with
 */
record ScoreRules(GenerationOptions options, int stop, int beginning) {

  /**
   * Applies the rules to one text's scores in place.
   *
   * @param scores those of all texts; this text's begin at {@code from}
   * @param text its tokens are the first {@code length}
   */
  void apply(float[] scores, int from, int[] text, int length) {
    if (options.repetitionPenalty() != 1) {
      penalise(scores, from, text, length);
    }
    if (options.noRepeatNgram() > 0) {
      forbidRepetition(scores, from, text, length);
    }
    if (length - beginning < options.minNewTokens()) {
      scores[from + stop] = Float.NEGATIVE_INFINITY;
    }
  }

  /** transformers' RepetitionPenaltyLogitsProcessor: every used token once, beginning included. */
  private void penalise(float[] scores, int from, int[] text, int length) {
    float penalty = (float) options.repetitionPenalty();
    Set<Integer> used = new HashSet<>();
    for (int i = 0; i < length; i++) {
      if (used.add(text[i])) {
        float score = scores[from + text[i]];
        scores[from + text[i]] = score < 0 ? score * penalty : score / penalty;
      }
    }
  }

  /** transformers' NoRepeatNGramLogitsProcessor: the tokens that would complete a run again. */
  private void forbidRepetition(float[] scores, int from, int[] text, int length) {
    int known = options.noRepeatNgram() - 1;
    for (int i = 0; i + known < length; i++) {
      if (Arrays.equals(text, i, i + known, text, length - known, length)) {
        scores[from + text[i + known]] = Float.NEGATIVE_INFINITY;
      }
    }
  }
}
