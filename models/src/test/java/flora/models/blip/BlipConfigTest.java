package flora.models.blip;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.Golden;
import flora.models.ModelConfig;
import flora.models.ModelException.ConfigInvalid;
import flora.models.ModelException.Unsupported;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Activation;
import flora.models.generate.GenerationOptions;
import flora.models.image.RgbImage;
import flora.models.weights.Precision;
import flora.tensors.SafetensorsFile;
import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BlipConfigTest {
  private static final Path TINY_BLIP = Golden.ROOT.resolve("models/tiny-blip");
  private static final String HEAD = "text_decoder.cls.predictions.decoder.weight";

  @TempDir Path folder;

  private static ModelConfig config(String json) {
    return ModelConfig.of(Path.of("config.json"), json.replace('\'', '"'));
  }

  private void copy(String file, String from, String to) throws IOException {
    String json = Files.readString(TINY_BLIP.resolve(file));
    assertThat(json).contains(from);
    Files.writeString(folder.resolve(file), json.replace(from, to));
  }

  private void copyRest() throws IOException {
    try (var files = Files.list(TINY_BLIP)) {
      for (Path file : files.toList()) {
        if (!Files.exists(folder.resolve(file.getFileName().toString()))) {
          Files.copy(file, folder.resolve(file.getFileName().toString()));
        }
      }
    }
  }

  private float[] logits(Path model) {
    try (var blip = BlipModel.open(model, Precision.FP32);
        var _ = new Scope()) {
      var embeds = blip.imageEmbeds(Aten.of(new float[3 * 32 * 32], 1, 3, 32, 32));
      return blip.logits(Aten.of(new long[] {296, 28}, 1, 2), embeds).toFloatArray();
    }
  }

  @Test
  void absentKeysAreThePeersDefaults() {
    assertThat(BlipVisionConfig.of(config("{}")))
        .isEqualTo(new BlipVisionConfig(768, 3072, 12, 12, 384, 16, Activation.GELU, 1e-5));
    assertThat(BlipTextConfig.of(config("{}")))
        .isEqualTo(
            new BlipTextConfig(
                30524, 768, 3072, 12, 8, 512, Activation.GELU, 1e-12, 30522, 102, 0, true, 0));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          hidden_act              | {'hidden_act':'mish'}
          num_attention_heads     | {'num_attention_heads':7}
          model_type              | {'model_type':'bert'}
          position_embedding_type | {'position_embedding_type':'relative_key'}
          is_decoder              | {'is_decoder':false}
          sep_token_id            | {'sep_token_id':30524}
          quantization_config     | {'quantization_config':{'bits':4}}
          """)
  void refusesByNameWhatItDoesNotDo(String key, String json) {
    assertThatThrownBy(() -> BlipTextConfig.of(config(json)))
        .isInstanceOfSatisfying(Unsupported.class, e -> assertThat(e.key()).isEqualTo(key));
  }

  @Test
  void refusesAnotherTaskOfTheFamily() throws IOException {
    copy("config.json", "BlipForConditionalGeneration", "BlipForQuestionAnswering");

    assertThatThrownBy(() -> BlipModel.open(folder, Precision.FP32))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("BlipForQuestionAnswering")
        .hasMessageContaining("supported: BlipForConditionalGeneration");
  }

  @Test
  void sizesThatTheWeightsDoNotHaveAreRefused() throws IOException {
    copy("config.json", "\"intermediate_size\": 96", "\"intermediate_size\": 97");
    copyRest();

    assertThatThrownBy(() -> BlipModel.open(folder, Precision.FP32))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("vision_model.encoder.layers.0.mlp.fc1.weight");
  }

  @Test
  void aSecondHeadInTheFileCountsOnlyWhereItIsNotTied() throws IOException {
    var writer = new SafetensorsWriter();
    float[] zeros = new float[298 * 32];
    try (var file = SafetensorsFile.open(TINY_BLIP.resolve("model.safetensors"))) {
      file.tensors()
          .forEach((name, info) -> writer.add(name, info.dtype(), info.shape(), file.data(name)));
      writer.add(HEAD, List.of(298L, 32L), zeros).writeTo(folder.resolve("model.safetensors"));
    }
    copyRest();
    assertThat(logits(folder)).isEqualTo(logits(TINY_BLIP));

    copy("config.json", "\"vocab_size\"", "\"tie_word_embeddings\": false, \"vocab_size\"");
    float[] untied = logits(folder);
    // nothing but the bias is left
    assertThat(java.util.Arrays.copyOf(untied, 298))
        .isEqualTo(java.util.Arrays.copyOfRange(untied, 298, 596))
        .isNotEqualTo(java.util.Arrays.copyOf(logits(TINY_BLIP), 298));
  }

  @Test
  void refusesAPromptThatLeavesNoRoom() {
    assertThatThrownBy(
            () ->
                BlipCaptioning.open(
                    TINY_BLIP, Precision.FP32, GenerationOptions.greedy(5), "red ".repeat(63)))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("the prompt alone has 64 tokens");
  }

  @Test
  void refusesAProcessorThatMakesOtherPictures() throws IOException {
    copy("preprocessor_config.json", "\"height\": 32", "\"height\": 48");
    copyRest();

    try (var captioning =
        BlipCaptioning.open(folder, Precision.FP32, GenerationOptions.greedy(5), null)) {
      var picture = new RgbImage(1, 1, new byte[3]);
      assertThatThrownBy(() -> captioning.prepare(picture))
          .isInstanceOf(ConfigInvalid.class)
          .hasMessageContaining("32 x 48 pixels where the network takes 32 x 32");
    }
  }
}
