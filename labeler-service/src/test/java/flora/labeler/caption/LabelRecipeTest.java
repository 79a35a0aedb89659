package flora.labeler.caption;

import static flora.labeler.caption.Drawings.with;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Sha256;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LabelRecipeTest {

  private static final String BOTH = "\"labeler\": \"blip+clip\"";

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"labels\": [\"cat\"]",
        "\"labels\": {\"a\": [\"cat\"], \"b\": [\"dog\"]}",
        "\"labels\": [\"subjects\"]",
        "\"mode\": \"multi\"",
        "\"templates\": [\"{}\"]",
        "\"threshold\": 0.31",
        "\"top_k\": 2",
        "\"trigger_word\": \"sks\"",
        "\"prefix\": \"photo\"",
        "\"suffix\": \"photo\"",
        "\"blacklist\": [\"photo\"]",
        "\"replace\": {\"cat\": \"dog\"}",
        "\"token_limit\": 0",
        "\"prompt\": \"a\"",
        "\"num_beams\": 2",
        "\"max_new_tokens\": 31",
        "\"min_new_tokens\": 1",
        "\"repetition_penalty\": 1.1",
        "\"no_repeat_ngram_size\": 2",
        "\"length_penalty\": 0.9",
        "\"early_stopping\": \"never\"",
        "\"precision\": \"int8\"",
        "\"target\": \"zero-shot\""
      })
  void everyOptionThatChangesCaptionsChangesIt(String option) {
    assertThat(digest("{%s, %s}".formatted(BOTH, option))).isNotEqualTo(digest("{" + BOTH + "}"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"sidecars\": true",
        "\"animated\": \"reject\"",
        "\"num_beams\": 2",
        "\"model\": \"somebody/else\""
      })
  void whatHasNoSayDoesNot(String option) {
    // which commit of the model it was is told beside the options
    assertThat(digest("{" + option + "}")).isEqualTo(digest("{}"));
  }

  @Test
  void blipHasNoUseForLabels() {
    assertThat(digest("{\"labeler\": \"blip\", \"threshold\": 0.9}"))
        .isEqualTo(digest("{\"labeler\": \"blip\"}"));
  }

  @Test
  void anotherCommitIsAnotherRecipe() {
    var options = with("{" + BOTH + "}");

    assertThat(
            new Sha256[] {
              LabelRecipe.of(options, "a/clip@1", "a/blip@1").digest(),
              LabelRecipe.of(options, "a/clip@2", "a/blip@1").digest(),
              LabelRecipe.of(options, "a/clip@1", "a/blip@2").digest(),
              LabelRecipe.of(options, "a/clip@1", null).digest(),
              LabelRecipe.of(options, null, null).digest()
            })
        .doesNotHaveDuplicates();
  }

  @Test
  void itStaysTheSameFromReleaseToRelease() {
    // rows in stores are compared by it: change it only when the captions change
    assertThat(digest("{}").hex())
        .isEqualTo("cc6891896ea4fa5d5e84b5056c996e6e8faf50b4818cfc03a0c26b07651014fd");
  }

  private static Sha256 digest(String options) {
    return LabelRecipe.of(with(options), "flora/shapes-clip@c0ffee", null).digest();
  }
}
