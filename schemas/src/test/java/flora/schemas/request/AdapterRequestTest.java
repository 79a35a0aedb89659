package flora.schemas.request;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.schemas.Json;
import flora.schemas.Routing;
import flora.schemas.Stage;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.schemas.request.TrainingPlan.AdapterConvert;
import flora.schemas.request.TrainingPlan.AdapterForm;
import flora.schemas.request.TrainingPlan.AdapterMerge;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that make something of adapters that are there. */
class AdapterRequestTest {

  private static final String RUN = "run_01J8ZQ4T6V9B3C5D7E8F0G1H2J";

  private static RunRequest read(String yaml) {
    return RequestReader.read(yaml.getBytes(StandardCharsets.UTF_8), ContentKind.YAML).request();
  }

  @Test
  void mergesAdaptersIntoAModel() {
    var request =
        read(
            "{model: {base_model: a/b}, train: {task: adapter-merge, adapters: ['%s:0.8', 'style:1:0']}}"
                .formatted(RUN));

    assertThat(request.train())
        .isEqualTo(
            new AdapterMerge(
                List.of(new AdapterUse(RUN, 0.8, 0.8), new AdapterUse("style", 1, 0))));
    assertThat(((AdapterMerge) request.train()).adapters().getFirst().run().value()).isEqualTo(RUN);
    assertThat(Routing.stages(request)).containsExactly(Stage.FETCH, Stage.TRAIN);
    assertThat(Json.read(Json.bytes(request), RunRequest.class)).isEqualTo(request);
    var again = RequestReader.read(Json.bytes(request), ContentKind.JSON).request();
    assertThat(again).isEqualTo(request);
  }

  @Test
  void convertsAnAdapterWithoutAModel() {
    var request =
        read(
            "{train: {task: adapter-convert, adapters: [style], adapter_forms: 'peft, kohya',"
                + " save_precision: fp16}}");

    assertThat(request.name()).isEqualTo("style");
    assertThat(request.train())
        .isEqualTo(
            new AdapterConvert(
                List.of(new AdapterUse("style", 1, 1)),
                List.of(AdapterForm.PEFT, AdapterForm.KOHYA),
                SavePrecision.FP16));
    assertThat(Routing.stages(request)).containsExactly(Stage.TRAIN);
    assertThat(RequestReader.read(Json.bytes(request), ContentKind.JSON).request())
        .isEqualTo(request);
    var plain = read("{train: {task: adapter-convert, adapters: [style]}}").train();
    assertThat(((AdapterConvert) plain).adapterForms()).containsExactly(AdapterForm.values());
    assertThat(((AdapterConvert) plain).savePrecision()).isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{train: {task: adapter-merge, adapters: [a]}} | /model | model",
        "{model: {base_model: a/b}, train: {task: adapter-merge}} | /train/adapters | adapters is missing",
        "{model: {base_model: a/b}, train: {task: adapter-merge, adapters: ['../a']}} | /train/adapters | ../a",
        "{model: {base_model: a/b}, train: {task: adapter-merge, adapters: ['a:much']}} | /train/adapters | a:much",
        "{model: {base_model: a/b}, train: {task: adapter-merge, adapters: [a], lora_rank: 4}} | /train/lora_rank | trains nothing",
        "{model: {base_model: a/b, pretrained_vae: c/d}, train: {task: adapter-merge, adapters: [a]}} | /model/pretrained_vae | keeps",
        "{model: {base_model: a/b}, dataset: {name: d}, train: {task: adapter-merge, adapters: [a]}} | /dataset | without pictures",
        "{train: {task: adapter-convert, adapters: [a, b]}} | /train/adapters | one adapter",
        "{train: {task: adapter-convert, adapters: [a], adapter_forms: [onnx]}} | /train/adapter_forms | onnx",
        "{model: {base_model: a/b}, dataset: {name: d}, train: {adapters: [a]}} | /train/adapters | adapter-merge"
      })
  void whatContradictsItIsRefusedByName(String yaml, String pointer, String words) {
    var e = catchThrowableOfType(RequestException.class, () -> read(yaml));

    assertThat(e.pointer()).isEqualTo(pointer);
    assertThat(e).hasMessageContaining(words);
    assertThat(e.hint()).isNotBlank();
  }
}
