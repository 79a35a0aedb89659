package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.request.ContentKind;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RequestReader;
import org.junit.jupiter.api.Test;

class DemoRequestTest {

  @Test
  void theBundledRequestNamesWhatTheHubServesAndEveryLabel() {
    var effective = RequestReader.read(Bundle.bytes("run.yaml"), ContentKind.YAML);
    var request = effective.request();
    assertThat(effective.warnings()).isEmpty();
    assertThat(request.model().baseModel()).hasToString(DemoHub.BASE_MODEL);
    var label = request.dataset().label();
    assertThat(label.model()).isEqualTo(DemoHub.LABEL_MODEL);
    assertThat(label.kinds().get(LabelOptions.ONE_KIND))
        .hasSize(PictureGenerator.COLOURS.size() * PictureGenerator.SHAPES.size())
        .doesNotHaveDuplicates()
        .containsAll(DemoPictures.drawings().stream().map(d -> d.label()).toList())
        .containsAll(Previews.PROMPTS);
  }
}
