package flora.tensors.pickle;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PickleNamesTest {

  @ParameterizedTest
  @CsvSource({
    "pytorch_model.bin, model.safetensors",
    "pytorch_model.fp16.bin, model.fp16.safetensors",
    "pytorch_model-00001-of-00002.bin, model-00001-of-00002.safetensors",
    "pytorch_model.fp16-00001-of-00002.bin, model.fp16-00001-of-00002.safetensors",
    "text_encoder/pytorch_model.bin, text_encoder/model.safetensors",
    "diffusion_pytorch_model.bin, diffusion_pytorch_model.safetensors",
    "unet/diffusion_pytorch_model.fp16.bin, unet/diffusion_pytorch_model.fp16.safetensors",
    "adapter_model.bin, adapter_model.safetensors",
    "v1-5-pruned-emaonly.ckpt, v1-5-pruned-emaonly.safetensors",
    "a.b/x.v2.pt, a.b/x.v2.safetensors",
    "x.pth, x.safetensors"
  })
  void namesConvertedFilesAsHuggingFaceDoes(String pickle, String safetensors) {
    assertThat(PickleNames.safetensors(pickle)).hasValue(safetensors);
  }

  @ParameterizedTest
  @ValueSource(strings = {"model.safetensors", "config.json", ".bin", "folder.bin/", "a/.ckpt"})
  void leavesOtherFilesAlone(String name) {
    assertThat(PickleNames.safetensors(name)).isEmpty();
    assertThat(PickleNames.safetensorsIndex(name)).isEmpty();
  }

  @ParameterizedTest
  @CsvSource({
    "pytorch_model.bin.index.json, model.safetensors.index.json",
    "unet/diffusion_pytorch_model.bin.index.json,"
        + " unet/diffusion_pytorch_model.safetensors.index.json",
    "pytorch_model.bin.index.fp16.json, model.safetensors.index.fp16.json"
  })
  void namesConvertedIndexes(String index, String converted) {
    assertThat(PickleNames.safetensorsIndex(index)).hasValue(converted);
  }

  @Test
  void rewritesTheShardsOfAnIndexAndNothingElse() {
    var index =
        """
        {"metadata": {"total_size": 12},
         "weight_map": {"a": "pytorch_model-00001-of-00002.bin",
                        "b.bin": "pytorch_model-00002-of-00002.bin"}}
        """;

    assertThat(new String(PickleNames.rewriteIndex("i.json", utf8(index)), StandardCharsets.UTF_8))
        .isEqualToIgnoringWhitespace(
            """
            {"metadata": {"total_size": 12},
             "weight_map": {"a": "model-00001-of-00002.safetensors",
                            "b.bin": "model-00002-of-00002.safetensors"}}
            """);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"[]", "{}", "{", "{\"weight_map\":[]}", "{\"weight_map\":{\"a\":\"x.h5\"}}"})
  void refusesWhatIsNoIndex(String index) {
    assertThatThrownBy(() -> PickleNames.rewriteIndex("i.json", utf8(index)))
        .isInstanceOf(PickleException.Malformed.class)
        .hasMessageContaining("i.json");
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
