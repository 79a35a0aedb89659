package flora.models.clip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.ModelConfig;
import flora.models.ModelException.Unsupported;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Activation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ClipConfigTest {
  private static final Path TINY_CLIP = Golden.ROOT.resolve("models/tiny-clip");
  private static final Path TEXT_ENCODER = Golden.ROOT.resolve("models/tiny-sd/text_encoder");

  @TempDir Path folder;

  private static ModelConfig config(String json) {
    return ModelConfig.of(Path.of("config.json"), json.replace('\'', '"'));
  }

  private void changed(Path model, String from, String to) throws IOException {
    Files.copy(model.resolve("model.safetensors"), folder.resolve("model.safetensors"));
    String json = Files.readString(model.resolve("config.json"));
    assertThat(json).contains(from);
    Files.writeString(folder.resolve("config.json"), json.replace(from, to));
  }

  @Test
  void absentKeysAreThePeersDefaults() {
    assertThat(ClipTextConfig.of(config("{}")))
        .isEqualTo(
            new ClipTextConfig(49408, 512, 2048, 12, 8, 77, Activation.QUICK_GELU, 1e-5, 49407));
    assertThat(ClipVisionConfig.of(config("{}")))
        .isEqualTo(new ClipVisionConfig(768, 3072, 12, 12, 224, 32, Activation.QUICK_GELU, 1e-5));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          hidden_act          | {'hidden_act':'mish'}
          attention_dropout   | {'attention_dropout':0.1}
          num_attention_heads | {'num_attention_heads':7}
          model_type          | {'model_type':'siglip_text_model'}
          quantization_config | {'quantization_config':{'bits':4}}
          """)
  void refusesByNameWhatItDoesNotDo(String key, String json) {
    assertThatThrownBy(() -> ClipTextConfig.of(config(json)))
        .isInstanceOfSatisfying(Unsupported.class, e -> assertThat(e.key()).isEqualTo(key));
  }

  @Test
  void theSecondSectionOfOldFilesCounts() throws IOException {
    changed(
        TINY_CLIP,
        "\"text_config\": {",
        "\"text_config\": {\"hidden_size\":1}, \"text_config_dict\": {");

    try (var clip = ClipModel.open(folder)) {
      assertThat(clip.text().config().size()).isEqualTo(32);
    }
  }

  @Test
  void sizesThatTheWeightsDoNotHaveAreRefused() throws IOException {
    changed(TEXT_ENCODER, "\"intermediate_size\": 64", "\"intermediate_size\": 65");

    assertThatThrownBy(() -> ClipTextEncoder.open(folder))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("text_model.encoder.layers.0.mlp.fc1.weight");
  }

  @Test
  void layersThatTheConfigurationForgetsAreRefused() throws IOException {
    changed(TEXT_ENCODER, "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");

    assertThatThrownBy(() -> ClipTextEncoder.open(folder))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("text_model.encoder.layers.1.");
  }

  @Test
  void aNewFilePoolsAtTheFirstEndToken() throws IOException {
    changed(TEXT_ENCODER, "\"eos_token_id\": 2", "\"eos_token_id\": 5");
    long[] ids = {1, 5, 9, 5, 0, 7, 7, 3};

    try (var encoder = ClipTextEncoder.open(folder);
        var old = ClipTextEncoder.open(TEXT_ENCODER);
        var _ = new Scope()) {
      NDArray batch = Aten.of(ids, 2, 4);
      float[] states = encoder.forward(batch).toFloatArray();
      float[] pooled = encoder.pooled(encoder.forward(batch), batch).toFloatArray();
      float[] highest = old.pooled(old.forward(batch), batch).toFloatArray();

      int size = encoder.config().size();
      assertThat(pooled[0]).as("first text, token 1").isEqualTo(states[size]);
      assertThat(pooled[size]).as("second text has none: token 0").isEqualTo(states[4 * size]);
      assertThat(highest[0]).as("old files: the highest id").isEqualTo(states[2 * size]);
      assertThat(highest[size]).as("the first of equals").isEqualTo(states[5 * size]);
    }
  }
}
