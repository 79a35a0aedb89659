package flora.labeler.caption;

import static flora.labeler.caption.Drawings.captions;
import static flora.labeler.caption.Drawings.known;
import static flora.labeler.caption.Drawings.open;
import static flora.labeler.caption.Drawings.picture;
import static flora.labeler.caption.Drawings.texts;
import static flora.labeler.caption.Drawings.with;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.labeler.caption.Drawings.Known;
import flora.schemas.ErrorCode;
import flora.schemas.label.Score;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ModelCaptionerTest {

  @Test
  void blipSaysWhatThePeerSays() {
    var captions = captions(with("{\"labeler\": \"blip\"}"));

    assertThat(texts(captions)).isEqualTo(known().stream().map(Known::blip).toList());
    assertThat(captions).extracting(Caption::raw).isEqualTo(texts(captions));
    assertThat(captions).allMatch(c -> c.labels().isEmpty() && c.label() == null);
    int right = 0;
    for (int i = 0; i < 48; i++) {
      right += captions.get(i).text().equals(known().get(i).text()) ? 1 : 0;
    }
    assertThat(right).isEqualTo(40);
  }

  @Test
  void clipKnowsTheDrawingsInWholeNumbersToo() {
    var floats = texts(captions(with("{}")));
    var whole = texts(captions(with("{\"precision\": \"int8\"}")));

    assertThat(right(floats)).isGreaterThanOrEqualTo(46);
    assertThat(whole).isEqualTo(floats);
  }

  @Test
  void bothSayTheCaptionThenTheLabelsThatItDoesNotNameYet() {
    var captions =
        captions(
            with(
                """
                {"labeler": "blip+clip", "mode": "single", "threshold": 0.5,
                 "trigger_word": "sks", "suffix": "drawing"}
                """));

    var expected = new ArrayList<String>();
    for (var known : known()) {
      var label = known.text().substring("a ".length());
      var tag = known.blip().contains(label) ? "" : ", " + label;
      expected.add("sks, " + known.blip() + tag + ", drawing");
    }
    // CLIP's certain labels are all right, see the table's own column
    assertThat(texts(captions)).isEqualTo(expected);
    assertThat(captions).allMatch(c -> c.labels().size() == 1);
    assertThat(captions)
        .extracting(Caption::raw)
        .isEqualTo(known().stream().map(Known::blip).toList());
  }

  @Test
  void aPromptIsTheBeginningOfEveryCaption() {
    try (var captioner =
        open(
            with("{\"labeler\": \"blip\", \"prompt\": \"a blue\", \"num_beams\": 3}"),
            LabelEmbeddings.computed())) {
      var caption = captioner.caption(List.of(captioner.prepare(picture("00.png"))), () -> {});

      assertThat(caption.getFirst().text()).startsWith("a blue ");
    }
  }

  @Test
  void tooLongACaptionIsCutAndSaysSo() {
    var whole = captions(with("{\"labeler\": \"blip+clip\", \"threshold\": 0.5}"));
    var cut =
        captions(with("{\"labeler\": \"blip+clip\", \"threshold\": 0.5, \"token_limit\": 4}"));

    assertThat(whole).allMatch(c -> c.cutTokens() == 0);
    for (int i = 0; i < 48; i++) {
      assertThat(cut.get(i).text()).isNotEmpty();
      assertThat(whole.get(i).text()).startsWith(cut.get(i).text());
      assertThat(cut.get(i).cutTokens()).isPositive();
    }
  }

  @Test
  void aClassIsTheLikeliestLabelWhateverTheCaptionIs() {
    var captions =
        captions(
            with(
                "{\"target\": \"zero-shot\", \"labels\": [\"circle\", \"red circle\", \"blue ring\"]}"));

    assertThat(captions.getFirst().label()).isEqualTo("red circle");
    assertThat(captions).extracting(Caption::label).doesNotContainNull();
    assertThat(captions(with("{}"))).extracting(Caption::label).containsOnlyNulls();
  }

  @Test
  void multiNamesOnlyWhatIsLikelierThanNothing() {
    var captions = captions(with("{\"mode\": \"multi\", \"threshold\": 0.9, \"top_k\": 2}"));

    for (int i = 0; i < 48; i++) {
      assertThat(captions.get(i).labels()).hasSizeLessThanOrEqualTo(2);
      assertThat(captions.get(i).labels()).allMatch(s -> s.probability() >= 0.9);
    }
    int first = 0;
    for (int i = 0; i < 48; i++) {
      var labels = captions.get(i).labels().stream().map(Score::label).toList();
      first += labels.indexOf(known().get(i).text().substring(2)) == 0 ? 1 : 0;
    }
    assertThat(first).isGreaterThanOrEqualTo(46);
  }

  @Test
  void labelsThatWereEmbeddedBeforeAreNotEmbeddedAgain() {
    var computed = new AtomicInteger();
    var kept = new ArrayList<float[][]>();
    LabelEmbeddings embeddings =
        (_, count, compute) -> {
          if (kept.isEmpty()) {
            computed.incrementAndGet();
            kept.add(compute.get());
          }
          assertThat(kept.getFirst()).hasNumberOfRows(count);
          return kept.getFirst();
        };

    var texts = new ArrayList<String>();
    for (int i = 0; i < 2; i++) {
      try (var captioner = open(with("{}"), embeddings)) {
        var prepared = List.of(captioner.prepare(picture("07.png")));
        texts.add(captioner.caption(prepared, () -> {}).getFirst().text());
      }
    }
    assertThat(computed).hasValue(1);
    assertThat(texts).hasSize(2).containsOnly(known().get(7).text().substring(2));
  }

  @Test
  void listsThatDifferAreKeptApart() {
    var digests = new ArrayList<flora.schemas.Sha256>();
    LabelEmbeddings noting =
        (list, _, compute) -> {
          digests.add(list);
          return compute.get();
        };
    for (var options :
        List.of(
            "{}",
            "{\"labels\": [\"red circle\"]}",
            "{\"templates\": [\"{}\"]}",
            "{\"mode\": \"multi\"}",
            "{\"precision\": \"int8\"}")) {
      open(with(options), noting).close();
    }
    open(with("{\"threshold\": 0.9, \"top_k\": 7, \"trigger_word\": \"sks\"}"), noting).close();

    assertThat(digests.subList(0, 5)).doesNotHaveDuplicates();
    assertThat(digests.get(5)).isEqualTo(digests.getFirst());
  }

  @Test
  void aLabelThatTheModelCannotReadWholeIsNamed() {
    var label = "red ".repeat(100).strip();
    var options = with("{\"labels\": [\"" + label + "\"]}");

    assertThatThrownBy(() -> open(options, LabelEmbeddings.computed()))
        .isInstanceOfSatisfying(
            PromptTooLong.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
              assertThat(e).hasMessageContaining(label).hasMessageContaining("at most ");
            });
  }

  @Test
  void stopsBetweenTwoTokensWhenItIsTold() {
    try (var captioner = open(with("{\"labeler\": \"blip\"}"), LabelEmbeddings.computed())) {
      var prepared = List.of(captioner.prepare(picture("00.png")));
      var beats = new AtomicInteger();

      assertThatThrownBy(
              () ->
                  captioner.caption(
                      prepared,
                      () -> {
                        if (beats.incrementAndGet() == 3) {
                          throw new CancellationException();
                        }
                      }))
          .isInstanceOf(CancellationException.class);
      assertThat(captioner.caption(prepared, () -> {}).getFirst().text())
          .isEqualTo(known().getFirst().blip());
    }
  }

  private static int right(List<String> labels) {
    int right = 0;
    for (int i = 0; i < 48; i++) {
      right += ("a " + labels.get(i)).equals(known().get(i).text()) ? 1 : 0;
    }
    return right;
  }
}
