package flora.labeler.caption;

import static org.assertj.core.api.Assertions.assertThat;

import flora.models.blip.BlipCaptioning;
import flora.models.image.ImageDecoder;
import flora.models.image.RgbImage;
import flora.schemas.Json;
import flora.schemas.request.CaptionRules;
import flora.schemas.request.Generation;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Animated;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.LabelOptions.Mode;
import flora.schemas.request.LabelOptions.Precision;
import flora.schemas.request.LabelOptions.Target;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** The 48 drawings, what is on them, and the models that were trained on such. */
final class Drawings {

  static final List<String> COLOURS =
      List.of("red", "blue", "green", "yellow", "purple", "orange", "white", "black");
  static final List<String> SHAPES =
      List.of("circle", "square", "triangle", "star", "cross", "ring");
  static final LabelOptions PLAIN =
      new LabelOptions(
          Labeler.CLIP,
          "flora/shapes-clip",
          null,
          Map.of(LabelOptions.ONE_KIND, colouredShapes()),
          Mode.PER_KIND,
          List.of("a {}"),
          0.3,
          1,
          new CaptionRules(null, null, null, List.of(), Map.of(), 77),
          Generation.DEFAULT,
          Precision.FP32,
          Target.CAPTION,
          Animated.FIRST,
          false);

  /**
   * What is known of a drawing.
   *
   * @param text what was drawn
   * @param blip what transformers' BLIP says of it
   */
  record Known(String fileName, String text, String blip) {}

  private Drawings() {}

  private static List<String> colouredShapes() {
    return COLOURS.stream().flatMap(c -> SHAPES.stream().map(s -> c + " " + s)).toList();
  }

  /** What was drawn, and what the peer says, from the table that was made with the models. */
  static List<Known> known() {
    var rows = new ArrayList<Known>();
    for (var line : new String(bytes("shapes/labels.csv"), StandardCharsets.UTF_8).split("\\R")) {
      var cells = line.split(",");
      if (!cells[0].equals("file_name")) {
        rows.add(new Known(cells[0], cells[1], cells[4]));
      }
    }
    assertThat(rows).hasSize(48);
    return rows;
  }

  static RgbImage picture(String fileName) {
    return new ImageDecoder().decode(bytes("shapes/" + fileName));
  }

  static Path model(String name) {
    return path(name + "/config.json").getParent();
  }

  /** Captions of all drawings, eight at a time. */
  static List<Caption> captions(LabelOptions options) {
    try (var captioner = open(options, LabelEmbeddings.computed())) {
      var captions = new ArrayList<Caption>();
      for (int from = 0; from < 48; from += 8) {
        var batch =
            IntStream.range(from, from + 8)
                .mapToObj(i -> captioner.prepare(picture("%02d.png".formatted(i))))
                .toList();
        captions.addAll(captioner.caption(batch, () -> {}));
      }
      return captions;
    }
  }

  static Captioner open(LabelOptions options, LabelEmbeddings embeddings) {
    var labeler = options.labeler();
    var clip =
        labeler.choosesLabels()
            ? ClipLabels.open(model("shapes-clip"), options, embeddings, () -> {})
            : null;
    var blip =
        labeler.writesText()
            ? BlipCaptioning.open(
                model("shapes-blip"),
                Networks.precision(options.precision()),
                Networks.generation(options.generation()),
                options.generation().prompt())
            : null;
    return new ModelCaptioner(
        LabelRecipe.of(options, "flora/shapes@c0ffee", null),
        options,
        clip,
        blip,
        clip == null ? null : clip::tokens);
  }

  /** Options with some fields written over, by their names on the wire. */
  static LabelOptions with(String json) {
    var mapper = Json.mapper();
    var merged = mapper.readTree(Json.bytes(PLAIN)).asObject();
    merged.setAll(mapper.readTree(json).asObject());
    return mapper.treeToValue(merged, LabelOptions.class);
  }

  static List<String> texts(List<Caption> captions) {
    return captions.stream().map(Caption::text).toList();
  }

  private static byte[] bytes(String name) {
    try {
      return Files.readAllBytes(path(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Path path(String name) {
    try {
      return Path.of(Drawings.class.getResource("/flora/labeler/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
