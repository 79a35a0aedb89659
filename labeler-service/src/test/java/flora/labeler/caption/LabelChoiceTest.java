package flora.labeler.caption;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.HashSet;
import java.util.List;
import org.junit.jupiter.api.Test;

class LabelChoiceTest {

  private static final LabelSet LABELS =
      new LabelSet(List.of(List.of("cat", "dog", "bird"), List.of("oil", "ink")));

  @Test
  void probabilitiesAreASoftmaxWithinEachKind() {
    var caption = choose(0, 5, null, 2, 1, 0, 3, 3);

    assertThat(caption.labels()).extracting(Caption.Score::label).startsWith("cat", "dog", "bird");
    // softmax(2, 1, 0) and softmax(3, 3)
    assertThat(caption.labels().get(0).probability()).isCloseTo(0.665241, within(1e-6));
    assertThat(caption.labels().get(1).probability()).isCloseTo(0.244728, within(1e-6));
    assertThat(caption.labels().get(3).probability()).isCloseTo(0.5, within(1e-9));
  }

  @Test
  void theBestSubjectIsAlwaysThereAndOthersFromTheThresholdOn() {
    assertThat(choose(0.99, 3, null, 2, 1, 0, 3, 3).text()).isEqualTo("cat");
    assertThat(choose(0.5, 3, null, 2, 1, 0, 3, 3).text()).isEqualTo("cat, oil, ink");
    assertThat(choose(0.2, 3, null, 1, 2, 0, 9, 3).text()).isEqualTo("dog, cat, oil");
  }

  @Test
  void aFullCaptionKeepsTheLikeliest() {
    assertThat(choose(0, 2, null, 2, 1, 0, 0, 9).text()).isEqualTo("cat, ink");
    assertThat(choose(0, 1, null, 2, 1, 0, 0, 9).text()).isEqualTo("cat");
  }

  @Test
  void theTriggerWordComesFirst() {
    assertThat(choose(0.9, 1, "sks", 2, 1, 0, 0, 0).text()).isEqualTo("sks, cat");
  }

  @Test
  void hugeSimilaritiesStayNumbers() {
    var caption = choose(0.1, 5, null, 1000, -1000, 999, 0, 0);

    assertThat(caption.labels()).allMatch(s -> Double.isFinite(s.probability()));
    assertThat(caption.text()).isEqualTo("cat, bird, oil, ink");
  }

  @Test
  void theBuiltInLabelsAreThreeKindsWithoutRepetition() {
    var builtIn = LabelSet.of(List.of());

    assertThat(builtIn.kinds()).hasSize(3).allMatch(kind -> kind.size() >= 25);
    assertThat(new HashSet<>(builtIn.all())).hasSameSizeAs(builtIn.all());
    assertThat(builtIn.all())
        .allMatch(label -> !label.contains(",") && label.equals(label.strip()));
    assertThat(LabelSet.of(List.of("a", "b")).kinds()).containsExactly(List.of("a", "b"));
  }

  private static Caption choose(double threshold, int topK, String trigger, float... logits) {
    return new LabelChoice(LABELS, threshold, topK, trigger).choose(logits);
  }
}
