package flora.models.generate;

import java.util.Arrays;

/** Takes the likeliest token each time, the first of equals. The state of one text. */
final class GreedySearch implements Search {
  private final ScoreRules rules;
  private final int stop;
  private final int[] text;
  private int length;
  private boolean done;

  /**
   * A search.
   *
   * @param longest how many tokens the text may have, beginning included
   */
  GreedySearch(int[] beginning, int longest, int stop, ScoreRules rules) {
    this.rules = rules;
    this.stop = stop;
    text = Arrays.copyOf(beginning, longest);
    length = beginning.length;
  }

  @Override
  public int rows() {
    return 1;
  }

  @Override
  public void advance(float[] scores, int from, int vocabulary) {
    rules.apply(scores, from, text, length);
    int best = 0;
    for (int token = 1; token < vocabulary; token++) {
      if (scores[from + token] > scores[from + best]) {
        best = token;
      }
    }
    text[length++] = best;
    done = best == stop || length == text.length;
  }

  @Override
  public boolean done() {
    return done;
  }

  @Override
  public int source(int row) {
    return 0;
  }

  @Override
  public int last(int row) {
    return text[length - 1];
  }

  @Override
  public int[] result() {
    return Arrays.copyOf(text, length);
  }
}
