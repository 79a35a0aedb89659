package flora.models.generate;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Follows the likeliest texts side by side and compares those that ended by their score per length.
 * The state of one picture's texts; equal to transformers' beam search, whatever else is in the
 * batch. Sums are of 32 bits, as there.
 */
final class BeamSearch implements Search {
  /** What transformers adds to the score of a text that must not be chosen. */
  private static final float NEVER = -1e9f;

  /** A text that goes on, with the sum of its log-probabilities and the row that it continues. */
  private static final class Open {
    final float score;
    final int[] text;
    final int source;

    Open(float score, int[] text, int source) {
      this.score = score;
      this.text = text;
      this.source = source;
    }
  }

  /** A place for a text that ended, with its score per length; not yet taken at first. */
  private static final class Ended {
    final float score;
    final int[] text;
    final boolean taken;

    Ended(float score, int[] text, boolean taken) {
      this.score = score;
      this.text = text;
      this.taken = taken;
    }
  }

  private final GenerationOptions options;
  private final ScoreRules rules;
  private final int stop;
  private final int beginning;
  private final int longest;
  private final int beams;
  private List<Open> open = new ArrayList<>();
  private List<Ended> ended = new ArrayList<>();
  private int length;
  private boolean improvable = true;
  private boolean done;

  BeamSearch(int[] beginning, int longest, int stop, ScoreRules rules, GenerationOptions options) {
    this.options = options;
    this.rules = rules;
    this.stop = stop;
    this.beginning = beginning.length;
    this.longest = longest;
    beams = options.beams();
    length = beginning.length;
    for (int i = 0; i < beams; i++) {
      // all rows are equal at first: only the first may be continued
      open.add(new Open(i == 0 ? 0 : NEVER, beginning, i));
      ended.add(new Ended(NEVER, beginning, false));
    }
  }

  @Override
  public int rows() {
    return beams;
  }

  @Override
  public void advance(float[] scores, int from, int vocabulary) {
    for (int row = 0; row < beams; row++) {
      int at = from + row * vocabulary;
      logSoftmax(scores, at, vocabulary);
      rules.apply(scores, at, open.get(row).text, length);
      float sum = open.get(row).score;
      for (int token = 0; token < vocabulary; token++) {
        scores[at + token] += sum;
      }
    }
    // twice as many as beams, because at most one of a row's tokens ends it
    List<Open> candidates = best(scores, from, vocabulary, 2 * beams);
    length++;
    boolean full = length >= longest;
    boolean allEnd = candidates.stream().allMatch(each -> full || ends(each));
    takeEnded(candidates, full);
    takeOpen(candidates, full);
    improvable = improvable && canImprove();
    boolean content =
        options.early() == EarlyStopping.TRUE && ended.stream().allMatch(each -> each.taken);
    done = !improvable || content || allEnd;
  }

  private boolean ends(Open candidate) {
    return candidate.text[length - 1] == stop;
  }

  /** Only an end among the first {@code beams} candidates counts. */
  private void takeEnded(List<Open> candidates, boolean full) {
    boolean closed =
        !improvable
            || (options.early() == EarlyStopping.TRUE
                && ended.stream().allMatch(each -> each.taken));
    var all = new ArrayList<>(ended);
    for (int i = 0; i < candidates.size(); i++) {
      Open each = candidates.get(i);
      boolean counts = i < beams && (full || ends(each));
      float score = each.score / perLength(length - beginning);
      score += closed ? NEVER : 0;
      score += counts ? 0 : NEVER;
      all.add(new Ended(score, each.text, counts));
    }
    all.sort((a, b) -> Float.compare(b.score, a.score));
    ended = new ArrayList<>(all.subList(0, beams));
  }

  private void takeOpen(List<Open> candidates, boolean full) {
    var all = new ArrayList<Open>();
    for (Open each : candidates) {
      all.add(full || ends(each) ? new Open(each.score + NEVER, each.text, each.source) : each);
    }
    all.sort((a, b) -> Float.compare(b.score, a.score));
    open = new ArrayList<>(all.subList(0, beams));
  }

  /** Whether the best open text could still beat the worst ended one. */
  private boolean canImprove() {
    boolean longestCounts = options.early() == EarlyStopping.NEVER && options.lengthPenalty() > 0;
    float best = open.getFirst().score / perLength((longestCounts ? longest : length) - beginning);
    float worst = Float.POSITIVE_INFINITY;
    for (Ended each : ended) {
      worst = Math.min(worst, each.score);
    }
    for (Ended each : ended) {
      if (best > (each.taken ? worst : NEVER)) {
        return true;
      }
    }
    return false;
  }

  private float perLength(int tokens) {
    return (float) Math.pow(tokens, options.lengthPenalty());
  }

  private List<Open> best(float[] scores, int from, int vocabulary, int count) {
    int total = beams * vocabulary;
    int wanted = Math.min(count, total);
    int[] places = new int[wanted];
    int found = 0;
    for (int i = 0; i < total; i++) {
      float score = scores[from + i];
      if (found == wanted && !(score > scores[from + places[found - 1]])) {
        continue;
      }
      int at = found < wanted ? found++ : found - 1;
      // of equals the earlier one stays in front
      for (; at > 0 && score > scores[from + places[at - 1]]; at--) {
        places[at] = places[at - 1];
      }
      places[at] = i;
    }
    var candidates = new ArrayList<Open>();
    for (int place : places) {
      int row = place / vocabulary;
      int[] text = Arrays.copyOf(open.get(row).text, length + 1);
      text[length] = place % vocabulary;
      candidates.add(new Open(scores[from + place], text, row));
    }
    return candidates;
  }

  private static void logSoftmax(float[] scores, int from, int count) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = from; i < from + count; i++) {
      max = Math.max(max, scores[i]);
    }
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += Math.exp(scores[i] - max);
    }
    float log = (float) Math.log(sum);
    for (int i = from; i < from + count; i++) {
      scores[i] = scores[i] - max - log;
    }
  }

  @Override
  public boolean done() {
    return done;
  }

  @Override
  public int source(int row) {
    return open.get(row).source;
  }

  @Override
  public int last(int row) {
    return open.get(row).text[length - 1];
  }

  @Override
  public int[] result() {
    int[] text = ended.getFirst().text;
    for (int i = beginning; i < text.length; i++) {
      if (text[i] == stop) {
        return Arrays.copyOf(text, i + 1);
      }
    }
    return text.clone();
  }
}
