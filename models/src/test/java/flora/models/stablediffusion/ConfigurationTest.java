package flora.models.stablediffusion;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.ModelConfig;
import flora.models.ModelException.Unsupported;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ConfigurationTest {
  private static final Path FILE = Path.of("config.json");

  @Test
  void anEmptyUnetConfigurationIsThePeersDefault() {
    UNetConfig config = unet("{}");
    assertThat(config.channels()).containsExactly(320, 640, 1280, 1280);
    assertThat(config.downAttention()).containsExactly(true, true, true, false);
    assertThat(config.upAttention()).containsExactly(false, true, true, true);
    assertThat(config.heads()).containsExactly(8, 8, 8, 8);
    assertThat(config.contextSizes()).containsExactly(1280, 1280, 1280, 1280);
    assertThat(config.layers()).containsExactly(2, 2, 2, 2);
    assertThat(config.timeSize()).isEqualTo(1280);
    assertThat(config.groups()).isEqualTo(32);
  }

  @Test
  void anEmptyVaeConfigurationIsThePeersDefault() {
    VaeConfig config = VaeConfig.of(ModelConfig.of(FILE, "{}"));
    assertThat(config.channels()).containsExactly(64);
    assertThat(config.layers()).isEqualTo(1);
    assertThat(config.scalingFactor()).isEqualTo(0.18215);
    assertThat(config.midAttention()).isTrue();
  }

  @Test
  void readsOneValueForEachBlock() {
    UNetConfig config =
        unet(
            """
            {"block_out_channels": [8, 16], "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D"],
             "up_block_types": ["CrossAttnUpBlock2D", "UpBlock2D"], "attention_head_dim": [2, 4],
             "layers_per_block": [1, 3], "transformer_layers_per_block": [1, 2],
             "cross_attention_dim": [12, 24], "only_cross_attention": [true, false],
             "upcast_attention": true, "resnet_time_scale_shift": "scale_shift"}
            """);
    assertThat(config.heads()).containsExactly(2, 4);
    assertThat(config.layers()).containsExactly(1, 3);
    assertThat(config.transformerLayers()).containsExactly(1, 2);
    assertThat(config.contextSizes()).containsExactly(12, 24);
    assertThat(config.onlyCross()).isEqualTo(List.of(true, false));
    assertThat(config.scaleShift()).isTrue();
    assertThat(config.downAttention()).containsExactly(false, true);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "class_embed_type|\"timestep\"",
        "addition_embed_type|\"text_time\"",
        "encoder_hid_dim|768",
        "time_embedding_type|\"fourier\"",
        "dual_cross_attention|true",
        "dropout|0.1",
        "act_fn|\"mish\"",
        "mid_block_type|\"UNetMidBlock2DSimpleCrossAttn\"",
        "resnet_time_scale_shift|\"ada_group\"",
        "down_block_types|[\"AttnDownBlock2D\",\"DownBlock2D\",\"DownBlock2D\",\"DownBlock2D\"]",
        "attention_head_dim|[8,8]",
        "conv_in_kernel|4",
        "reverse_transformer_layers_per_block|[[1]]"
      })
  void refusesByNameWhatTheUnetCannot(String key, String value) {
    assertThatThrownBy(() -> unet("{\"%s\": %s}".formatted(key, value)))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(key)
        .hasMessageContaining("supported");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"latents_mean\": [0.1]}",
        "{\"down_block_types\": [\"AttnDownEncoderBlock2D\"]}",
        "{\"_class_name\": \"VQModel\"}"
      })
  void refusesByNameWhatTheAutoencoderCannot(String json) {
    assertThatThrownBy(() -> VaeConfig.of(ModelConfig.of(FILE, json)))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining(json.substring(2, json.indexOf('"', 2)));
  }

  private static UNetConfig unet(String json) {
    return UNetConfig.of(ModelConfig.of(FILE, json));
  }
}
