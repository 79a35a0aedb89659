package flora.labeler.caption;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.schemas.label.Score;
import flora.schemas.request.LabelOptions.Mode;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class LabelChoiceTest {

  private static final LabelSet LABELS =
      new LabelSet(List.of(List.of("cat", "dog", "bird"), List.of("oil", "ink")));

  @Test
  void probabilitiesAreASoftmaxWithinEachKind() {
    var labels = perKind(0, 5, 2, 1, 0, 3, 3);

    assertThat(labels).extracting(Score::label).startsWith("cat", "dog", "bird");
    // softmax(2, 1, 0) and softmax(3, 3)
    assertThat(labels.get(0).probability()).isCloseTo(0.665241, within(1e-6));
    assertThat(labels.get(1).probability()).isCloseTo(0.244728, within(1e-6));
    assertThat(labels.get(3).probability()).isCloseTo(0.5, within(1e-9));
  }

  @Test
  void theBestSubjectIsAlwaysThereAndOthersFromTheThresholdOn() {
    assertThat(names(perKind(0.99, 3, 2, 1, 0, 3, 3))).containsExactly("cat");
    assertThat(names(perKind(0.5, 3, 2, 1, 0, 3, 3))).containsExactly("cat", "oil", "ink");
    assertThat(names(perKind(0.2, 3, 1, 2, 0, 9, 3))).containsExactly("dog", "cat", "oil");
  }

  @Test
  void besideACaptionEvenTheBestMustReachTheThreshold() {
    var tags = new LabelChoice(LABELS, Mode.PER_KIND, 0.6, 3, false);

    assertThat(names(tags.choose(similarities(1, 1, 0, 9, 3)))).containsExactly("oil");
    assertThat(names(tags.choose(similarities(2, 1, 0, 3, 3)))).containsExactly("cat");
    assertThat(tags.choose(similarities(1, 1, 1, 3, 3))).isEmpty();
  }

  @Test
  void enoughLabelsAreTheLikeliest() {
    assertThat(names(perKind(0, 2, 2, 1, 0, 0, 9))).containsExactly("cat", "ink");
    assertThat(names(perKind(0, 1, 2, 1, 0, 0, 9))).containsExactly("cat");
  }

  @Test
  void hugeSimilaritiesStayNumbers() {
    var labels = perKind(0.1, 5, 1000, -1000, 999, 0, 0);

    assertThat(labels).allMatch(s -> Double.isFinite(s.probability()));
    assertThat(names(labels)).containsExactly("cat", "bird", "oil", "ink");
    assertThat(multi(0.5, 5, 1000, -1000, 999, 0, 0, 1)).allMatch(s -> s.probability() <= 1);
  }

  @Test
  void singleIsTheOneBestOfAllKinds() {
    var single = new LabelChoice(LABELS, Mode.SINGLE, 0.99, 5, true);

    var labels = single.choose(similarities(2, 1, 0, 3, 3));

    // softmax(2, 1, 0, 3, 3), of equals the first
    assertThat(names(labels)).containsExactly("oil");
    assertThat(labels.getFirst().probability()).isCloseTo(0.391696, within(1e-6));
    assertThat(
            new LabelChoice(LABELS, Mode.SINGLE, 0.3, 5, false).choose(new float[] {0, 0, 0, 0, 0}))
        .isEmpty();
  }

  @Test
  void multiTakesEachThatIsLikelierThanNothing() {
    var labels = multi(0.5, 5, 2, 1, 0, 3, 0.5f, 1);

    // sigmoid(3 - 1), sigmoid(2 - 1), sigmoid(0)
    assertThat(names(labels)).containsExactly("oil", "cat", "dog");
    assertThat(labels.get(0).probability()).isCloseTo(0.880797, within(1e-6));
    assertThat(labels.get(1).probability()).isCloseTo(0.731059, within(1e-6));
    assertThat(labels.get(2).probability()).isEqualTo(0.5);
  }

  @Test
  void multiMayTakeNothingAndNeverMoreThanEnough() {
    assertThat(multi(0.5, 5, 0, 0, 0, 0, 0, 1)).isEmpty();
    assertThat(names(multi(0, 2, 0, 1, 2, 3, 4, 0))).containsExactly("ink", "oil");
  }

  @Test
  void onlyMultiLooksAtNothing() {
    assertThat(new LabelChoice(LABELS, Mode.MULTI, 0.5, 5, true).similarities()).isEqualTo(6);
    assertThat(new LabelChoice(LABELS, Mode.SINGLE, 0.5, 5, true).similarities()).isEqualTo(5);
  }

  @Test
  void theBuiltInLabelsAreThreeKindsWithoutRepetition() {
    var builtIn = LabelSet.of(Map.of());

    assertThat(builtIn.kinds()).hasSize(3).allMatch(kind -> kind.size() >= 25);
    assertThat(new HashSet<>(builtIn.all())).hasSameSizeAs(builtIn.all());
    assertThat(builtIn.all())
        .allMatch(label -> !label.contains(",") && label.equals(label.strip()));
  }

  @Test
  void aKindIsAListOrTheNameOfABuiltInOne() {
    var kinds = new LinkedHashMap<String, List<String>>();
    kinds.put("what", List.of("a", "b"));
    kinds.put("how", List.of("styles"));

    assertThat(LabelSet.of(kinds).kinds())
        .containsExactly(List.of("a", "b"), LabelSet.builtIn().kinds().get(1));
  }

  private static List<Score> perKind(double threshold, int topK, float... similarities) {
    return new LabelChoice(LABELS, Mode.PER_KIND, threshold, topK, true).choose(similarities);
  }

  private static List<Score> multi(double threshold, int topK, float... similarities) {
    return new LabelChoice(LABELS, Mode.MULTI, threshold, topK, true).choose(similarities);
  }

  private static float[] similarities(float... values) {
    return values;
  }

  private static List<String> names(List<Score> labels) {
    return labels.stream().map(Score::label).toList();
  }
}
