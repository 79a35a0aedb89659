package flora.models.blip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.generate.Ends;
import flora.models.generate.GenerationOptions;
import flora.models.generate.Generator;
import flora.models.image.ImageDecoder;
import flora.models.image.PixelValues;
import flora.models.weights.Precision;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;

/** BLIP gives what transformers gives. */
class BlipParityTest {
  private static final Path TINY_BLIP = Golden.ROOT.resolve("models/tiny-blip");
  private static final GenerationOptions TWELVE = GenerationOptions.greedy(12);

  private static Golden golden;
  private static BlipModel blip;

  @BeforeAll
  static void open() {
    golden = Golden.open("tiny-blip");
    blip = BlipModel.open(TINY_BLIP, Precision.FP32);
  }

  @AfterAll
  static void close() {
    blip.close();
    golden.close();
  }

  private static NDArray floats(String name) {
    return Aten.of(golden.floats(name), shape(name));
  }

  private static NDArray longs(String name) {
    return Aten.of(golden.longs(name), shape(name));
  }

  private static long[] shape(String name) {
    return golden.shape(name).stream().mapToLong(Long::longValue).toArray();
  }

  /** The expected captions with the given prompt, in the order of the pixel values. */
  private static List<JsonNode> captions(String prompt) {
    var captions = new ArrayList<JsonNode>();
    for (JsonNode caption : golden.hyper().get("captions")) {
      if (caption.path("prompt").asString("").equals(prompt)) {
        captions.add(caption);
      }
    }
    assertThat(captions).hasSize(14);
    return captions;
  }

  private static PixelValues prepared(BlipCaptioning captioning, JsonNode caption) {
    Path file = Golden.ROOT.resolve("images").resolve(caption.get("file").stringValue());
    return captioning.prepare(new ImageDecoder().decode(file));
  }

  @Test
  void seesPicturesAsThePeer() {
    try (var _ = new Scope()) {
      NDArray embeds = blip.imageEmbeds(floats("pixel_values"));

      golden.assertClose("image_embeds", embeds.toFloatArray());
    }
  }

  @Test
  void tellsTheNextTokensAsThePeer() {
    try (var _ = new Scope()) {
      NDArray two = Aten.narrow(floats("pixel_values"), 0, 0, 2);
      NDArray logits = blip.logits(longs("text_ids"), blip.imageEmbeds(two));

      golden.assertClose("logits", logits.toFloatArray());
    }
  }

  @Test
  void tokenByTokenItTellsWhatItTellsOfTheWholeText() {
    long[] ids = golden.longs("text_ids");
    int length = Math.toIntExact(golden.shape("text_ids").get(1));
    float[] whole = golden.floats("logits");
    int vocabulary = blip.textConfig().vocabulary();
    try (var _ = new Scope();
        var decoder =
            blip.decoder(blip.imageEmbeds(Aten.narrow(floats("pixel_values"), 0, 0, 2)), 1)) {
      for (int t = 0; t < length; t++) {
        float[] scores = decoder.next(new int[] {(int) ids[t], (int) ids[length + t]}, 1);
        for (int i = 0; i < scores.length; i++) {
          int row = i / vocabulary;
          float expected = whole[(row * length + t) * vocabulary + i % vocabulary];
          assertThat(Math.abs(scores[i] - expected)).isLessThan((float) golden.tolerance("logits"));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a photo of"})
  void writesThePeersTokens(String prompt) {
    List<JsonNode> captions = captions(prompt);
    int[] beginning =
        prompt.isEmpty()
            ? new int[] {golden.hyper().get("bos").intValue()}
            : ints(captions.getFirst().get("prompt_ids"), -1);
    var text = blip.textConfig();
    try (var _ = new Scope();
        var decoder = blip.decoder(blip.imageEmbeds(floats("pixel_values")), 1)) {
      List<int[]> ids =
          Generator.generate(
              decoder,
              captions.size(),
              beginning,
              new Ends(text.stopId(), text.padId(), text.positions()),
              TWELVE,
              () -> {});

      for (int i = 0; i < ids.size(); i++) {
        assertThat(ids.get(i)).as("picture %d", i).isEqualTo(ints(captions.get(i).get("ids"), 0));
      }
    }
  }

  private static int[] ints(JsonNode list, int longer) {
    return IntStream.range(0, list.size() + longer).map(i -> list.get(i).intValue()).toArray();
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "a photo of"})
  void captionsPicturesAsThePeer(String prompt) {
    List<JsonNode> captions = captions(prompt);
    try (var captioning = BlipCaptioning.open(TINY_BLIP, Precision.FP32, TWELVE, prompt)) {
      List<PixelValues> pictures = captions.stream().map(c -> prepared(captioning, c)).toList();

      assertThat(captioning.caption(pictures, () -> {}))
          .containsExactlyElementsOf(
              captions.stream().map(c -> c.get("text").stringValue()).toList());
    }
  }

  @Test
  void packedWeightsGiveTheSameCaptions() {
    List<JsonNode> captions = captions("a photo of");
    try (var captioning =
        BlipCaptioning.open(TINY_BLIP, Precision.FP32_PACKED, TWELVE, "a photo of")) {
      List<PixelValues> pictures = captions.stream().map(c -> prepared(captioning, c)).toList();

      assertThat(captioning.caption(pictures, () -> {}))
          .containsExactlyElementsOf(
              captions.stream().map(c -> c.get("text").stringValue()).toList());
    }
  }

  @Test
  void inWholeNumbersItSeesAboutTheSame() {
    try (var small = BlipModel.open(TINY_BLIP, Precision.INT8);
        var _ = new Scope()) {
      float[] expected = golden.floats("image_embeds");
      float[] actual = small.imageEmbeds(floats("pixel_values")).toFloatArray();

      double error = 0;
      double length = 0;
      for (int i = 0; i < expected.length; i++) {
        error += Math.pow(actual[i] - expected[i], 2);
        length += Math.pow(expected[i], 2);
      }
      // not zero: it does compute in whole numbers
      assertThat(Math.sqrt(error / length)).isBetween(1e-4, 0.05);
    }
  }

  @Test
  void refusesWhatDoesNotFit() {
    try (var _ = new Scope()) {
      NDArray pixels = Aten.of(new float[3 * 16 * 16], 1, 3, 16, 16);
      NDArray embeds = blip.imageEmbeds(Aten.narrow(floats("pixel_values"), 0, 0, 1));

      assertThatThrownBy(() -> blip.imageEmbeds(pixels)).hasMessageContaining("[n, 3, 32, 32]");
      assertThatThrownBy(() -> blip.logits(Aten.of(new long[65], 1, 65), embeds))
          .hasMessageContaining("65 tokens")
          .hasMessageContaining("takes 64");
    }
  }
}
