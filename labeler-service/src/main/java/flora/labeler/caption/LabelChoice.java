package flora.labeler.caption;

import flora.schemas.label.Score;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Mode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * From similarities to labels; pure. A similarity is a cosine times the model's scale, as in CLIP's
 * zero-shot classification (https://arxiv.org/abs/2103.00020, section 3.1.2).
 *
 * <ul>
 *   <li>per kind: a softmax within each kind; the best of the first kind, others from the threshold
 *       on, the likeliest first until it is enough, named kind by kind.
 *   <li>single: a softmax over all; the best one.
 *   <li>multi: each by itself, {@code p = σ(similarity − similarity of nothing)}, where nothing is
 *       the same prompts without a label; from the threshold on, the likeliest first until it is
 *       enough.
 * </ul>
 *
 * @param labels to choose from
 * @param mode how
 * @param threshold smallest probability of the labels that are not always taken
 * @param topK how many labels are taken at most
 * @param always whether the best label (of the first kind) is taken below the threshold too; not in
 *     multi, where no label may be right
 */
public record LabelChoice(LabelSet labels, Mode mode, double threshold, int topK, boolean always) {

  /** As a request wants it; beside a caption no label is forced. */
  static LabelChoice of(LabelOptions options) {
    return new LabelChoice(
        LabelSet.of(options.kinds()),
        options.mode(),
        options.threshold(),
        options.topK(),
        !options.labeler().writesText());
  }

  private record Candidate(int kind, Score score, boolean first) {}

  /** How many similarities a choice looks at: one for each label and, in multi, one for nothing. */
  int similarities() {
    return labels.all().size() + (mode == Mode.MULTI ? 1 : 0);
  }

  /**
   * The labels of a picture.
   *
   * @param similarities one for each of {@link LabelSet#all()}; in multi that of nothing behind
   *     them
   */
  List<Score> choose(float[] similarities) {
    return switch (mode) {
      case PER_KIND -> perKind(similarities);
      case SINGLE -> {
        var best = likeliest(similarities);
        yield always || best.probability() >= threshold ? List.of(best) : List.of();
      }
      case MULTI -> multi(similarities);
    };
  }

  /** The one that is likelier than all others, its probability by a softmax over all labels. */
  Score likeliest(float[] similarities) {
    var all = labels.all();
    var probabilities = softmax(similarities, 0, all.size());
    int best = best(probabilities);
    return new Score(all.get(best), probabilities[best]);
  }

  private List<Score> multi(float[] similarities) {
    var all = labels.all();
    double nothing = similarities[all.size()];
    return IntStream.range(0, all.size())
        .mapToObj(i -> new Score(all.get(i), sigmoid(similarities[i] - nothing)))
        .filter(s -> s.probability() >= threshold)
        .sorted(Comparator.comparingDouble(s -> -s.probability()))
        .limit(topK)
        .toList();
  }

  private List<Score> perKind(float[] similarities) {
    var candidates = new ArrayList<Candidate>();
    int from = 0;
    for (int kind = 0; kind < labels.kinds().size(); kind++) {
      var names = labels.kinds().get(kind);
      var probabilities = softmax(similarities, from, names.size());
      int best = best(probabilities);
      for (int i = 0; i < names.size(); i++) {
        boolean first = always && kind == 0 && i == best;
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
    return chosen.stream().map(Candidate::score).toList();
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
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
