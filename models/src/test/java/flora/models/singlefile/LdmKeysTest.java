package flora.models.singlefile;

import static org.assertj.core.api.Assertions.assertThat;

import flora.models.ModelConfig;
import flora.models.clip.ClipTextConfig;
import flora.models.stablediffusion.UNetConfig;
import flora.models.stablediffusion.VaeConfig;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LdmKeysTest {

  @ParameterizedTest
  @ValueSource(strings = {"sd15", "three", "deep"})
  void equalsWhatDiffusersReads(String size) {
    var peer = PeerKeys.of(size);
    assertThat(table(LdmKeys.unet(peer.unet()))).isEqualTo(peer.keys("unet"));
    assertThat(table(LdmKeys.vae(peer.vae()))).isEqualTo(peer.keys("vae"));
    assertThat(table(LdmKeys.text(peer.text()))).isEqualTo(peer.keys("text"));
  }

  @Test
  void goesBothWaysForAnyConfiguration() {
    var random = new Random(7);
    for (int n = 0; n < 50; n++) {
      isOneToOne(LdmKeys.unet(unet(random)), "model.diffusion_model.");
      isOneToOne(LdmKeys.vae(vae(random)), "first_stage_model.");
      isOneToOne(LdmKeys.text(text(random), n % 2 == 0), "cond_stage_model.transformer.");
    }
  }

  @Test
  void theEarliestFilesDoNotNameTheTextModel() {
    var text = text(new Random(1));
    assertThat(LdmKeys.text(text, false).stored("text_model.final_layer_norm.bias"))
        .isEqualTo("cond_stage_model.transformer.final_layer_norm.bias");
  }

  @Test
  void whatTheNetworkDoesNotHaveIsFoundToBeLeftOver() {
    var keys = LdmKeys.unet(unet(new Random(1)));
    var foreign = "model.diffusion_model.input_blocks.99.0.op.weight";
    assertThat(keys.key(foreign)).contains(foreign);
    assertThat(keys.key("model_ema.decay")).isEmpty();
    assertThat(keys.key("first_stage_model.quant_conv.bias")).isEmpty();
    assertThat(keys.stored("query.weight")).isEqualTo("model.diffusion_model.query.weight");
  }

  private static void isOneToOne(LdmKeys keys, String prefix) {
    var stored = new HashSet<String>();
    for (var key : keys.keys()) {
      var name = keys.stored(key);
      assertThat(name).startsWith(prefix);
      assertThat(stored.add(name)).as("%s is there once", name).isTrue();
      assertThat(keys.key(name)).contains(key);
    }
    assertThat(stored).hasSizeGreaterThan(20);
  }

  private static Map<String, String> table(LdmKeys keys) {
    var table = new LinkedHashMap<String, String>();
    keys.keys().forEach(key -> table.put(key, keys.stored(key)));
    return table;
  }

  private static UNetConfig unet(Random random) {
    int blocks = 1 + random.nextInt(5);
    var down = IntStream.range(0, blocks).mapToObj(i -> random.nextBoolean()).toList();
    var json =
        """
        {"block_out_channels": %s, "layers_per_block": %s, "transformer_layers_per_block": %s,
         "down_block_types": %s, "up_block_types": %s}"""
            .formatted(
                numbers(random, blocks, 32),
                numbers(random, blocks, 1),
                numbers(random, blocks, 1),
                down.stream().map(a -> a ? "\"CrossAttnDownBlock2D\"" : "\"DownBlock2D\"").toList(),
                down.reversed().stream()
                    .map(a -> a ? "\"CrossAttnUpBlock2D\"" : "\"UpBlock2D\"")
                    .toList());
    return UNetConfig.of(ModelConfig.of(Path.of("unet.json"), json));
  }

  private static VaeConfig vae(Random random) {
    int blocks = 1 + random.nextInt(5);
    var json =
        """
        {"block_out_channels": %s, "layers_per_block": %d, "mid_block_add_attention": %s,
         "use_quant_conv": %s}"""
            .formatted(
                numbers(random, blocks, 32),
                1 + random.nextInt(3),
                random.nextBoolean(),
                random.nextBoolean());
    return VaeConfig.of(ModelConfig.of(Path.of("vae.json"), json));
  }

  private static ClipTextConfig text(Random random) {
    var json = "{\"num_hidden_layers\": %d}".formatted(2 + random.nextInt(12));
    return ClipTextConfig.of(ModelConfig.of(Path.of("text.json"), json));
  }

  private static Object numbers(Random random, int count, int unit) {
    return Collections.nCopies(count, 0).stream().map(i -> unit * (1 + random.nextInt(3))).toList();
  }
}
