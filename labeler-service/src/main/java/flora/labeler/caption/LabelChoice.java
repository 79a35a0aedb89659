package flora.labeler.caption;

import flora.labeler.caption.Caption.Score;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * From similarities to a caption; pure. Similarities are turned into probabilities by a softmax
 * within each kind of label, as CLIP's zero-shot classification does
 * (https://arxiv.org/abs/2103.00020, section 3.1.2). The best label of the first kind is always
 * taken, others from the threshold on, the likeliest first, until the caption is full.
 *
 * @param labels to choose from
 * @param threshold smallest probability of the labels after the first
 * @param topK how many labels a caption may hold
 * @param triggerWord in front of the caption
 */
public record LabelChoice(
    LabelSet labels, double threshold, int topK, @Nullable String triggerWord) {

  private record Candidate(int kind, Score score, boolean first) {}

  /**
   * The caption of a picture.
   *
   * @param logits scaled similarities, one for each of {@link LabelSet#all()}
   */
  Caption choose(float[] logits) {
    var candidates = new ArrayList<Candidate>();
    int from = 0;
    for (int kind = 0; kind < labels.kinds().size(); kind++) {
      var names = labels.kinds().get(kind);
      var probabilities = softmax(logits, from, names.size());
      int best = best(probabilities);
      for (int i = 0; i < names.size(); i++) {
        boolean first = kind == 0 && i == best;
        if (first || probabilities[i] >= threshold) {
          candidates.add(new Candidate(kind, new Score(names.get(i), probabilities[i]), first));
        }
      }
      from += names.size();
    }
    // sorts are stable: of equals the one that stands first in the list
    candidates.sort(
        Comparator.comparing((Candidate c) -> !c.first())
            .thenComparing(c -> -c.score().probability()));
    var chosen = new ArrayList<>(candidates.subList(0, Math.min(topK, candidates.size())));
    chosen.sort(
        Comparator.comparingInt(Candidate::kind).thenComparing(c -> -c.score().probability()));
    var scores = chosen.stream().map(Candidate::score).toList();
    return new Caption(text(scores), null, scores, null, 0);
  }

  private String text(List<Score> scores) {
    var parts = new ArrayList<String>();
    if (triggerWord != null) {
      parts.add(triggerWord);
    }
    scores.forEach(s -> parts.add(s.label()));
    return String.join(", ", parts);
  }

  private static double[] softmax(float[] logits, int from, int count) {
    double max = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < count; i++) {
      max = Math.max(max, logits[from + i]);
    }
    var probabilities = new double[count];
    double sum = 0;
    for (int i = 0; i < count; i++) {
      probabilities[i] = Math.exp(logits[from + i] - max);
      sum += probabilities[i];
    }
    for (int i = 0; i < count; i++) {
      probabilities[i] /= sum;
    }
    return probabilities;
  }

  private static int best(double[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      best = values[i] > values[best] ? i : best;
    }
    return best;
  }
}
