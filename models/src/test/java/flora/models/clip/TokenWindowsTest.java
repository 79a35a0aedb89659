package flora.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.aten.Segments.Keep;
import flora.models.tokenizer.ClipTokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class TokenWindowsTest {
  private static final Path MODEL = Golden.ROOT.resolve("models/tiny-sd");
  private static final String LONG = "a green star and a red circle, ".repeat(20);

  @TempDir Path folder;

  @Test
  void longTextsAreCutAsThePeerCutsThem() throws IOException {
    ClipTokenizer padsWithEnd = ClipTokenizer.load(MODEL.resolve("tokenizer"));
    ClipTokenizer padsOtherwise = padsOtherwise();
    assertThat(padsOtherwise.padId()).isNotEqualTo(padsOtherwise.endId());
    for (JsonNode each :
        Golden.json(Path.of("src/test/resources/flora/models/clip/windows.json"))) {
      boolean end = each.get("pad").stringValue().equals("end");
      int limit = each.get("limit").intValue();
      var windows = TokenWindows.of(end ? padsWithEnd : padsOtherwise, limit);
      List<long[]> ids = windows.ids(each.get("text").stringValue());
      assertThat(windows.length()).isEqualTo(limit + 2);
      assertThat(ids).hasSize(each.get("ids").size()).hasSize(windows.count());
      for (int i = 0; i < ids.size(); i++) {
        assertThat(ids.get(i))
            .as("window %d of %s", i, each)
            .isEqualTo(
                each.get("ids").get(i).valueStream().mapToLong(JsonNode::longValue).toArray());
      }
    }
  }

  @Test
  void lengthsAreWholeWindows() {
    ClipTokenizer tokenizer = ClipTokenizer.load(MODEL.resolve("tokenizer"));
    for (int wrong : new int[] {0, 74, 77, 100}) {
      assertThatThrownBy(() -> TokenWindows.of(tokenizer, wrong))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("max_token_length is " + wrong);
    }
  }

  @Test
  void windowsAreJoinedWithOneStartAndOneEnd() {
    ClipTokenizer tokenizer = ClipTokenizer.load(MODEL.resolve("tokenizer"));
    try (var encoder = ClipTextEncoder.open(MODEL.resolve("text_encoder"));
        var scope = new Scope()) {
      var windows = TokenWindows.of(tokenizer, 150);
      var conditioning = new TextConditioning(encoder, windows, 2);
      NDArray states = conditioning.encode(List.of(LONG, "a ring"));
      int width = encoder.config().size();
      assertThat(states.getShape().getShape()).containsExactly(2, 152, width);
      List<long[]> ids = windows.ids(LONG);
      NDArray first = encoder.forward(Aten.of(ids.get(0), 1, 77), null, 1);
      NDArray second = encoder.forward(Aten.of(ids.get(1), 1, 77), null, 1);
      assertThat(row(states, 0)).isEqualTo(row(first, 0));
      assertThat(row(states, 75)).isEqualTo(row(first, 75));
      assertThat(row(states, 76)).isEqualTo(row(second, 1));
      assertThat(row(states, 150)).isEqualTo(row(second, 75));
      assertThat(row(states, 151)).isEqualTo(row(second, 76));
      try (var segments = new Segments(Keep.FIT, 0, () -> {})) {
        int id = conditioning.encode(segments, List.of(LONG, "a ring"));
        assertThat(segments.value(id).toFloatArray()).isEqualTo(states.toFloatArray());
      }
    }
  }

  @Test
  void oneWindowIsWhatTheEncoderAlwaysReads() {
    ClipTokenizer tokenizer = ClipTokenizer.load(MODEL.resolve("tokenizer"));
    try (var encoder = ClipTextEncoder.open(MODEL.resolve("text_encoder"));
        var scope = new Scope()) {
      var windows = TokenWindows.of(tokenizer, 75);
      NDArray states = new TextConditioning(encoder, windows, 1).encode(List.of("a red circle"));
      NDArray plain = encoder.forward(Aten.of(tokenizer.encode("a red circle").ids(), 1, 77));
      assertThat(states.toFloatArray()).isEqualTo(plain.toFloatArray());
      int layers = encoder.config().layers();
      assertThatThrownBy(() -> new TextConditioning(encoder, windows, layers + 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("clip_skip is " + (layers + 1));
    }
  }

  /** The same tokenizer as Stable Diffusion 2's: the padding is a token of its own. */
  private ClipTokenizer padsOtherwise() throws IOException {
    for (String name : List.of("vocab.json", "merges.txt", "tokenizer_config.json")) {
      String text = Files.readString(MODEL.resolve("tokenizer").resolve(name));
      Files.writeString(
          folder.resolve(name),
          text.replace("\"pad_token\": \"<|endoftext|>\"", "\"pad_token\": \"!\""));
    }
    return ClipTokenizer.load(folder);
  }

  /** A state of the first text. */
  private static float[] row(NDArray states, int place) {
    return Aten.narrow(Aten.narrow(states, 0, 0, 1), 1, place, 1).toFloatArray();
  }
}
