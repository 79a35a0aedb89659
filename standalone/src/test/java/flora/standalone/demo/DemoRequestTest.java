package flora.standalone.demo;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.request.TrainingPlan.StableDiffusionLora;
import java.util.HashSet;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** What the demo shows depends on its own request alone. */
class DemoRequestTest {

  @Test
  void theDemoSaysEveryKeyOfItsTrainingSoThatNoDefaultChangesIt() {
    var keys =
        new HashSet<>(
            Json.mapper().<JsonNode>valueToTree(StableDiffusionLora.defaults()).propertyNames());
    keys.remove("epochs"); // max_train_steps says how long

    var said = new YAMLMapper().readTree(Bundle.bytes("run.yaml")).get("train");

    assertThat(said.propertyNames()).containsExactlyInAnyOrderElementsOf(keys);
  }
}
