package flora.models.generate;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.blip.BlipModel;
import flora.models.weights.Precision;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** Greedy and beam search give the ids that transformers gives, over a grid of all options. */
class BeamTableTest {
  private static final JsonNode TABLE =
      Golden.json(Path.of("src/test/resources/flora/models/generate/tiny-blip-beams.json"));
  private static final int PICTURES = TABLE.get("pictures").intValue();

  private static BlipModel blip;
  private static NDArray embeds;

  @BeforeAll
  static void open() {
    blip = BlipModel.open(Golden.ROOT.resolve("models/tiny-blip"), Precision.FP32);
    int side = blip.visionConfig().imageSize();
    int each = 3 * side * side;
    float[] pixels = new float[PICTURES * each];
    for (int i = 0; i < pixels.length; i++) {
      long k = i % each;
      pixels[i] = (float) (2 * Math.sin(k * k % 1009 * 0.37 + i / each));
    }
    try (var scope = new Scope()) {
      embeds = Scope.release(blip.imageEmbeds(Aten.of(pixels, PICTURES, 3, side, side)));
    }
  }

  @AfterAll
  static void close() {
    embeds.close();
    blip.close();
  }

  @Test
  void allPicturesInOneBatch() {
    var wrong = new ArrayList<String>();
    for (JsonNode each : TABLE.get("cases")) {
      List<int[]> actual = generate(each, embeds, PICTURES);
      if (!ids(actual).equals(expected(each))) {
        wrong.add(each + ": " + ids(actual) + " instead of " + expected(each));
      }
    }
    assertThat(wrong).as("of %d cases", TABLE.get("cases").size()).isEmpty();
  }

  @Test
  void eachPictureAlone() {
    var wrong = new ArrayList<String>();
    // every seventh: the options of the grid are coprime to it
    for (int i = 0; i < TABLE.get("cases").size(); i += 7) {
      JsonNode each = TABLE.get("cases").get(i);
      for (int picture = 0; picture < PICTURES; picture++) {
        try (var _ = new Scope()) {
          NDArray one = Aten.narrow(embeds, 0, picture, 1);
          List<Integer> actual = ids(generate(each, one, 1)).getFirst();
          if (!actual.equals(expected(each).get(picture))) {
            wrong.add(each + ": " + actual);
          }
        }
      }
    }
    assertThat(wrong).isEmpty();
  }

  private static List<int[]> generate(JsonNode each, NDArray pictures, int count) {
    var options =
        new GenerationOptions(
            each.get(2).intValue(),
            TABLE.get("max_new_tokens").intValue(),
            each.get(7).intValue(),
            each.get(5).doubleValue(),
            each.get(6).intValue(),
            each.get(3).doubleValue(),
            EarlyStopping.valueOf(each.get(4).stringValue()));
    var ends = new Ends(each.get(1).intValue(), 0, blip.textConfig().positions());
    int[] beginning = ints(TABLE.get("prompts").get(each.get(0).intValue()));
    try (var decoder = blip.decoder(pictures, options.beams())) {
      return Generator.generate(decoder, count, beginning, ends, options, () -> {});
    }
  }

  private static List<List<Integer>> expected(JsonNode each) {
    return IntStream.of(ints(each.get(8)))
        .mapToObj(text -> IntStream.of(ints(TABLE.get("texts").get(text))).boxed().toList())
        .toList();
  }

  private static List<List<Integer>> ids(List<int[]> texts) {
    return texts.stream().map(ids -> IntStream.of(ids).boxed().toList()).toList();
  }

  private static int[] ints(JsonNode list) {
    return IntStream.range(0, list.size()).map(i -> list.get(i).intValue()).toArray();
  }
}
