package flora.models.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.Golden;
import flora.models.ModelException.Unsupported;
import flora.models.ModelException.WeightsMismatch;
import flora.models.lora.LoraKeys.Network;
import flora.models.stablediffusion.UNet;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Files that peft, diffusers and kohya's conventions wrote for the same adapter. */
class LoraFileTest {
  private static final Path RUN = Golden.ROOT.resolve("golden/sd-lora-te");

  @TempDir Path folder;

  @Test
  void allFormsHoldTheSameUnetAdapter() {
    Set<String> layers;
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"))) {
      layers = unet.layers().keySet();
    }
    var peft = LoraFile.read(RUN.resolve("peft/unet"), Network.UNET, layers);
    assertThat(peft.config().groups()).hasSize(1);
    assertThat(peft.config().groups().getFirst().rank()).isEqualTo(8);
    assertThat(peft.config().groups().getFirst().alpha()).isEqualTo(16);
    assertThat(peft.config().targets()).hasSize(80);
    for (String other :
        List.of("kohya/lora.safetensors", "diffusers/pytorch_lora_weights.safetensors")) {
      assertSame(LoraFile.read(RUN.resolve(other), Network.UNET, layers), peft);
    }
  }

  @Test
  void allFormsHoldTheSameTextEncoderAdapter() {
    Set<String> layers =
        IntStream.range(0, 2)
            .boxed()
            .flatMap(
                i ->
                    Stream.of("q_proj", "k_proj", "v_proj", "out_proj")
                        .map(name -> "text_model.encoder.layers." + i + ".self_attn." + name))
            .collect(Collectors.toSet());
    var peft = LoraFile.read(RUN.resolve("peft/text_encoder"), Network.TEXT_ENCODER, layers);
    assertThat(peft.config().targets()).hasSize(8);
    for (String other :
        List.of("kohya/lora.safetensors", "diffusers/pytorch_lora_weights.safetensors")) {
      assertSame(LoraFile.read(RUN.resolve(other), Network.TEXT_ENCODER, layers), peft);
    }
  }

  @Test
  void refusesWhatDoesNotFitTheNetwork() {
    Path file = folder.resolve("adapter.safetensors");
    var writer = new SafetensorsWriter();
    writer.add("unet.a.lora.down.weight", List.of(1L, 1L), new float[1]);
    writer.add("unet.a.lora.up.weight", List.of(1L, 1L), new float[1]);
    writer.add("unet.b.lora.down.weight", List.of(1L, 1L), new float[1]);
    writer.writeTo(file);
    assertThatThrownBy(() -> LoraFile.read(file, Network.UNET, List.of("c")))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("unet.a.lora.down.weight");
    assertThatThrownBy(() -> LoraFile.read(file, Network.UNET, List.of("a")))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("unet.b.lora.down.weight");
    assertThatThrownBy(() -> LoraFile.read(file, Network.UNET, List.of("a", "b")))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("not unet.b.lora.up.weight");
  }

  @Test
  void everyLayerHasTheRankAndTheAlphaThatItsFileSays() {
    Path file = folder.resolve("mixed.safetensors");
    var writer = new SafetensorsWriter();
    pair(writer, "lora_te1_a.lora_down.weight", "lora_te1_a.lora_up.weight", 2);
    writer.add("lora_te1_a.alpha", List.of(), new float[] {0.5f});
    pair(writer, "lora_te1_b.lora_down.weight", "lora_te1_b.lora_up.weight", 1);
    pair(writer, "lora_te1_c.lora_down.weight", "lora_te1_c.lora_up.weight", 2);
    writer.add("lora_te1_c.alpha", List.of(), new float[] {0.5f});
    writer.metadata("ss_network_dim", "2");
    writer.writeTo(file);
    assertThat(LoraFile.networks(file)).containsExactly(Network.TEXT_ENCODER);
    var read = LoraFile.read(file, Network.TEXT_ENCODER, List.of("a", "b", "c"));
    assertThat(read.config().groups())
        .containsExactly(
            new LoraGroup(List.of("a", "c"), 2, 0.5), new LoraGroup(List.of("b"), 1, 1));
    assertThat(read.config().rankStabilized()).isFalse();
    assertThat(read.metadata()).containsEntry("ss_network_dim", "2");
  }

  @Test
  void patternsOfPeftAreReadFromTheHeader() {
    Path file = folder.resolve("patterns.safetensors");
    var writer = new SafetensorsWriter();
    pair(writer, "unet.x.conv.lora.down.weight", "unet.x.conv.lora.up.weight", 2);
    pair(writer, "unet.x.to_q.lora.down.weight", "unet.x.to_q.lora.up.weight", 4);
    pair(
        writer,
        "text_encoder.q.lora_linear_layer.down.weight",
        "text_encoder.q.lora_linear_layer.up.weight",
        4);
    writer.metadata(
        "lora_adapter_metadata",
        """
        {"unet.lora_alpha": 8, "unet.alpha_pattern": {"conv": 3}, "unet.use_rslora": true,
         "text_encoder.lora_alpha": 1}
        """);
    writer.writeTo(file);
    assertThat(LoraFile.networks(file)).containsExactly(Network.UNET, Network.TEXT_ENCODER);
    var unet = LoraFile.read(file, Network.UNET, List.of("x.conv", "x.to_q")).config();
    assertThat(unet.rankStabilized()).isTrue();
    assertThat(unet.groups())
        .containsExactly(
            new LoraGroup(List.of("x.conv"), 2, 3), new LoraGroup(List.of("x.to_q"), 4, 8));
    assertThat(LoraFile.read(file, Network.TEXT_ENCODER, List.of("q")).config())
        .isEqualTo(LoraConfig.of(4, 1, 0, List.of("q")));
  }

  @ParameterizedTest
  @CsvSource({
    "lora_unet_a.lora_mid.weight, LoCon",
    "lora_unet_a.hada_w1_a, LoHa",
    "lora_unet_a.lokr_w1, LoKr",
    "lora_unet_a.dora_scale, DoRA"
  })
  void refusesAdaptersOfOtherKindsByName(String key, String kind) {
    Path file = folder.resolve("other.safetensors");
    var writer = new SafetensorsWriter();
    pair(writer, "lora_unet_a.lora_down.weight", "lora_unet_a.lora_up.weight", 1);
    writer.add(key, List.of(1L), new float[1]);
    writer.writeTo(file);
    assertThatThrownBy(() -> LoraFile.read(file, Network.UNET, List.of("a")))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining(kind)
        .hasMessageContaining(key);
    assertThatThrownBy(() -> LoraFile.networks(file)).isInstanceOf(Unsupported.class);
  }

  private static void pair(SafetensorsWriter writer, String a, String b, int rank) {
    writer.add(a, List.of((long) rank, 1L), new float[rank]);
    writer.add(b, List.of(1L, (long) rank), new float[rank]);
  }

  private static void assertSame(LoraFile actual, LoraFile expected) {
    assertThat(actual.config()).isEqualTo(expected.config());
    assertThat(actual.state().matrices().keySet()).isEqualTo(expected.state().matrices().keySet());
    expected
        .state()
        .matrices()
        .forEach(
            (name, matrix) -> {
              var other = actual.state().matrices().get(name);
              assertThat(other.shape()).isEqualTo(matrix.shape());
              assertThat(other.values()).as(name).isEqualTo(matrix.values());
            });
  }
}
