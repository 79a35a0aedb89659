package flora.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.schemas.Json;
import flora.schemas.dataset.Bucket;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** As sd-scripts' train_network.py writes them. */
class ShownTest {

  private static final Shown SHOWN =
      new Shown(
          null,
          List.of(
              new Shown.Cut("a.png", "A Cat, sitting,, cat ", 600, 400, new Bucket(640, 384), 2),
              new Shown.Cut("b.png", "a cat", 512, 512, new Bucket(512, 512), 2),
              new Shown.Cut("3_me/c.png", "me", 512, 512, new Bucket(512, 512), 6)));

  private static JsonNode tree(String json) {
    return Json.read(json.getBytes(StandardCharsets.UTF_8), JsonNode.class);
  }

  @Test
  void countsShowingsOfEachSizeAndHowFarShapesAreBent() {
    var info = tree(SHOWN.bucketInfo());

    assertThat(info.path("buckets").toString())
        .isEqualTo(
            "{\"0\":{\"resolution\":[512,512],\"count\":8},\"1\":{\"resolution\":[640,384],\"count\":2}}");
    assertThat(info.path("mean_img_ar_error").asDouble())
        .isCloseTo((640.0 / 384 - 1.5) / 3, within(1e-12));
  }

  @Test
  void countsWhatStandsBetweenCommasByFolder() {
    assertThat(SHOWN.tagFrequency("mine"))
        .isEqualTo("{\"3_me\":{\"me\":1},\"mine\":{\"a cat\":2,\"cat\":1,\"sitting\":1}}");
  }
}
