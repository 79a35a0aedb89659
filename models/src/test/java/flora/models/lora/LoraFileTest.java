package flora.models.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.Golden;
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
    assertThat(peft.config().rank()).isEqualTo(8);
    assertThat(peft.config().alpha()).isEqualTo(16);
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

  private static void assertSame(LoraFile actual, LoraFile expected) {
    assertThat(actual.config().rank()).isEqualTo(expected.config().rank());
    assertThat(actual.config().alpha()).isEqualTo(expected.config().alpha());
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
