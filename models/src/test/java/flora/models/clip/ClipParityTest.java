package flora.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.image.ImageDecoder;
import flora.models.image.RgbImage;
import flora.models.weights.Precision;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** CLIP and Stable Diffusion's text encoder give what transformers gives. */
class ClipParityTest {
  private static final Path TINY_CLIP = Golden.ROOT.resolve("models/tiny-clip");

  private static Golden golden;
  private static ClipModel clip;

  @BeforeAll
  static void open() {
    golden = Golden.open("tiny-clip");
    clip = ClipModel.open(TINY_CLIP);
  }

  @AfterAll
  static void close() {
    clip.close();
    golden.close();
  }

  private static long[] shape(Golden golden, String name) {
    return golden.shape(name).stream().mapToLong(Long::longValue).toArray();
  }

  private static NDArray floats(String name) {
    return Aten.of(golden.floats(name), shape(golden, name));
  }

  private static NDArray longs(String name) {
    return Aten.of(golden.longs(name), shape(golden, name));
  }

  private static List<String> texts(String key) {
    var texts = new ArrayList<String>();
    golden.hyper().get(key).forEach(text -> texts.add(text.stringValue()));
    return texts;
  }

  private static List<RgbImage> pictures() {
    return texts("files").stream()
        .map(file -> new ImageDecoder().decode(Golden.ROOT.resolve("images").resolve(file)))
        .toList();
  }

  @Test
  void seesPicturesAsThePeer() {
    try (var _ = new Scope()) {
      NDArray pixels = floats("pixel_values");
      NDArray states = clip.vision().forward(pixels);

      golden.assertClose("vision_pooled", clip.vision().pooled(states).toFloatArray());
      NDArray two = Aten.contiguous(Aten.narrow(states, 0, 0, 2));
      golden.assertClose("vision_last_hidden", two.toFloatArray());
      golden.assertClose("image_features", clip.imageFeatures(pixels).toFloatArray());
    }
  }

  @Test
  void seesAndReadsAsThePeerWithPackedWeights() {
    try (var packed = ClipModel.open(TINY_CLIP, Precision.FP32_PACKED);
        var _ = new Scope()) {
      NDArray pixels = floats("pixel_values");
      NDArray states = packed.vision().forward(pixels);

      golden.assertClose("vision_pooled", packed.vision().pooled(states).toFloatArray());
      golden.assertClose("image_features", packed.imageFeatures(pixels).toFloatArray());
      NDArray texts = packed.textFeatures(longs("input_ids"), longs("attention_mask"));
      golden.assertClose("text_features", texts.toFloatArray());
      golden.assertClose(
          "logits_per_image", packed.logits(packed.imageFeatures(pixels), texts).toFloatArray());
    }
  }

  @Test
  void aPictureInInt8DoesNotDependOnItsNeighbours() {
    try (var int8 = ClipModel.open(TINY_CLIP, Precision.INT8);
        var _ = new Scope()) {
      NDArray pixels = floats("pixel_values");
      float[] all = int8.vision().summary(pixels).toFloatArray();
      NDArray third = int8.vision().summary(Aten.contiguous(Aten.narrow(pixels, 0, 2, 1)));
      int size = Math.toIntExact(third.getShape().get(1));

      assertThat(Arrays.copyOfRange(all, 2 * size, 3 * size)).isEqualTo(third.toFloatArray());
      assertThat(all).isNotEqualTo(clip.vision().summary(pixels).toFloatArray());
    }
  }

  @Test
  void readsTextsAsThePeer() {
    try (var _ = new Scope()) {
      NDArray features = clip.textFeatures(longs("input_ids"), longs("attention_mask"));

      golden.assertClose("text_features", features.toFloatArray());
    }
  }

  @Test
  void comparesThemAsThePeer() {
    try (var _ = new Scope()) {
      NDArray texts = clip.textFeatures(longs("input_ids"), longs("attention_mask"));
      NDArray logits = clip.logits(clip.imageFeatures(floats("pixel_values")), texts);

      golden.assertClose("logits_per_image", logits.toFloatArray());
      assertThat(clip.logitScale())
          .isCloseTo(golden.hyper().get("logit_scale_exp").doubleValue(), within(1e-5));
    }
  }

  @Test
  void labelsPicturesAsThePeer() {
    float[] expected = golden.floats("probs");
    List<String> labels = texts("labels");

    try (var zeroShot = ZeroShot.open(TINY_CLIP, labels)) {
      List<float[]> probabilities = zeroShot.probabilities(pictures());

      assertThat(probabilities).hasSize(expected.length / labels.size());
      for (int i = 0; i < expected.length; i++) {
        assertThat(probabilities.get(i / labels.size())[i % labels.size()])
            .isCloseTo(expected[i], within(2e-5f));
      }
    }
  }

  @Test
  void aPictureAloneIsLabelledAsInABatch() {
    List<RgbImage> pictures = pictures();
    try (var zeroShot = ZeroShot.open(TINY_CLIP, List.of("a red circle", "cat"))) {
      float[] alone = zeroShot.probabilities(pictures.subList(3, 4)).getFirst();

      assertThat(zeroShot.probabilities(pictures).get(3)).containsExactly(alone, within(1e-6f));
      assertThat(zeroShot.probabilities(List.of())).isEmpty();
    }
  }

  @Test
  void readsPromptsForStableDiffusionAsThePeer() {
    try (var sd = Golden.open("tiny-sd");
        var encoder = ClipTextEncoder.open(Golden.ROOT.resolve("models/tiny-sd/text_encoder"));
        var _ = new Scope()) {
      NDArray ids =
          Aten.contiguous(
              Aten.narrow(Aten.of(sd.longs("te.input_ids"), shape(sd, "te.input_ids")), 0, 0, 6));
      NDArray states = encoder.forward(ids);

      sd.assertClose("te.last_hidden_state", states.toFloatArray());
      sd.assertClose("te.pooler_output", encoder.pooled(states, ids).toFloatArray());
      sd.assertClose("te.clip_skip_1", encoder.forward(ids, null, 1).toFloatArray());
      List<NDArray> hidden = encoder.hiddenStates(ids);
      assertThat(hidden).hasSize(encoder.config().layers() + 1);
      for (int k = 0; k < hidden.size(); k++) {
        sd.assertClose("te.hidden_states." + k, hidden.get(k).toFloatArray());
      }
    }
  }

  @Test
  void leavesNothingBehind() {
    try (var zeroShot = ZeroShot.open(TINY_CLIP, List.of("a red circle"))) {
      List<RgbImage> pictures = pictures();
      zeroShot.probabilities(pictures);
      int before = Aten.manager().getManagedArrays().size();

      for (int i = 0; i < 3; i++) {
        zeroShot.probabilities(pictures);
      }

      assertThat(Aten.manager().getManagedArrays()).hasSize(before);
    }
  }

  @Test
  void refusesPicturesAndTextsOfTheWrongSize() {
    try (var _ = new Scope()) {
      NDArray pixels = Aten.of(new float[3 * 16 * 16], 1, 3, 16, 16);
      NDArray ids = Aten.of(new long[78], 1, 78);

      assertThatThrownBy(() -> clip.imageFeatures(pixels)).hasMessageContaining("[n, 3, 32, 32]");
      assertThatThrownBy(() -> clip.text().forward(ids)).hasMessageContaining("takes 77");
      assertThatThrownBy(() -> clip.text().forward(ids, null, 2)).hasMessageContaining("clip skip");
    }
  }

  @Test
  void theBestLabelIsThePeersBest() {
    List<String> labels = texts("labels");
    JsonNode best = golden.hyper().get("best");
    try (var zeroShot = ZeroShot.open(TINY_CLIP, labels)) {
      List<float[]> probabilities = zeroShot.probabilities(pictures());

      for (int i = 0; i < probabilities.size(); i++) {
        float[] row = probabilities.get(i);
        int most = 0;
        for (int k = 1; k < row.length; k++) {
          most = row[k] > row[most] ? k : most;
        }
        assertThat(labels.get(most)).isEqualTo(best.get(i).stringValue());
      }
    }
  }
}
