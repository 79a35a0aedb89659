package flora.models.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.Golden;
import flora.models.ModelConfig;
import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.Unsupported;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreprocessingTest {

  private static Preprocessing of(String json) {
    return Preprocessing.of(
        ModelConfig.of(Path.of("preprocessor_config.json"), json.replace('\'', '"')));
  }

  private static RgbImage grey(int width, int height) {
    byte[] pixels = new byte[3 * width * height];
    java.util.Arrays.fill(pixels, (byte) 128);
    return new RgbImage(width, height, pixels);
  }

  @ParameterizedTest
  @ValueSource(strings = {"clip", "blip", "vit"})
  void equalsThePeersProcessor(String model) {
    var preprocessing =
        Preprocessing.read(
            Golden.ROOT.resolve("models/tiny-" + model + "/preprocessor_config.json"));

    for (String picture : pictures(model)) {
      var image = new ImageDecoder().decode(Golden.ROOT.resolve("images").resolve(picture));
      try (var golden = Golden.open("images")) {
        golden.assertClose(model + "/" + picture, preprocessing.apply(image).values(), 1e-6);
      }
    }
  }

  private static List<String> pictures(String prefix) {
    try (var golden = Golden.open("images")) {
      var names = new ArrayList<String>();
      golden.hyper().get("files").forEach(name -> names.add(name.stringValue()));
      assertThat(golden.names()).contains(prefix + "/" + names.getFirst());
      return names;
    }
  }

  @Test
  void theTrainingTransformEqualsTorchvision() {
    try (var golden = Golden.open("images")) {
      for (String name : golden.names()) {
        if (name.startsWith("sd")) {
          int resolution = Integer.parseInt(name.substring(2, name.indexOf('/')));
          Path file = Golden.ROOT.resolve("images").resolve(name.substring(name.indexOf('/') + 1));

          var picture = new ImageDecoder().decode(file);
          var middle = TrainingTransform.middle(picture, resolution);
          var values = TrainingTransform.apply(picture, middle);

          golden.assertClose(name, values.values(), 1e-6);
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          {'feature_extractor_type':'CLIPFeatureExtractor','size':24,'crop_size':16} | 16 | 16
          {'processor_class':'CLIPProcessor','size':{'height':10,'width':20},'do_center_crop':false} | 10 | 20
          {'feature_extractor_type':'ViTFeatureExtractor','size':24} | 24 | 24
          {'image_processor_type':'CLIPImageProcessorFast'} | 224 | 224
          {'image_processor_type':'BlipImageProcessor'} | 384 | 384
          {'image_processor_type':'ViTImageProcessor'} | 224 | 224
          {'image_processor_type':'CLIPImageProcessor','size':{'shortest_edge':12},'crop_size':{'height':20,'width':8}} | 20 | 8
          {'image_processor_type':'CLIPImageProcessor','do_resize':false,'do_center_crop':false} | 30 | 50
          """)
  void readsOldAndNewForms(String json, int height, int width) {
    var values = of(json).apply(grey(50, 30));

    assertThat(List.of(values.height(), values.width())).containsExactly(height, width);
    assertThat(values.values()).hasSize(3 * height * width);
  }

  @Test
  void padsAPictureThatIsSmallerThanTheCropWithBlack() {
    var json =
        "{'image_processor_type':'CLIPImageProcessor','do_resize':false,'crop_size':5,"
            + "'do_normalize':false}";

    var values = of(json).apply(grey(2, 9));

    // columns 0, 1 and 4 are padding: the larger half lies before the picture
    float g = 128 / 255f;
    assertThat(java.util.Arrays.copyOf(values.values(), 5)).containsExactly(0, 0, g, g, 0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          image_processor_type | {'image_processor_type':'ConvNextImageProcessor'}
          resample             | {'image_processor_type':'ViTImageProcessor','resample':0}
          size.longest_edge    | {'image_processor_type':'CLIPImageProcessor','size':{'shortest_edge':8,'longest_edge':9}}
          size.shortest_edge   | {'image_processor_type':'BlipImageProcessor','size':{'shortest_edge':8}}
          image_mean           | {'image_processor_type':'ViTImageProcessor','image_mean':[0.5]}
          do_center_crop       | {'image_processor_type':'ViTImageProcessor','do_center_crop':true}
          do_pad               | {'image_processor_type':'ViTImageProcessor','do_pad':true}
          size                 | {'image_processor_type':'ViTImageProcessor','size':0}
          """)
  void refusesByNameWhatItDoesNotDo(String key, String json) {
    assertThatThrownBy(() -> of(json))
        .isInstanceOfSatisfying(Unsupported.class, e -> assertThat(e.key()).isEqualTo(key))
        .hasMessageContaining("preprocessor_config.json");
  }

  @Test
  void needsToKnowTheKind() {
    assertThatThrownBy(() -> of("{'size':224}"))
        .isInstanceOf(ConfigInvalid.class)
        .hasMessageContaining("image_processor_type");
  }
}
