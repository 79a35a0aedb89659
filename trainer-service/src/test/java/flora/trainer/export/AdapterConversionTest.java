package flora.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.ModelException;
import flora.models.ModelException.WeightsMismatch;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.tensors.SafetensorsWriter;
import flora.trainer.export.AdapterConversion.Form;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The files that kohya's, diffusers' and peft's programs wrote of one training, into another. */
class AdapterConversionTest {
  private static final Map<Form, String> THEIRS =
      Map.of(
          Form.KOHYA, "kohya/lora.safetensors",
          Form.DIFFUSERS, "diffusers/pytorch_lora_weights.safetensors",
          Form.PEFT, "peft");

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "KOHYA, DIFFUSERS",
    "KOHYA, PEFT",
    "DIFFUSERS, KOHYA",
    "DIFFUSERS, PEFT",
    "PEFT, KOHYA",
    "PEFT, DIFFUSERS"
  })
  void givesTheTensorsThatThePeerWroteItself(Form from, Form to) throws Exception {
    var target = folder.resolve(to == Form.PEFT ? "out" : "out.safetensors");
    var written =
        AdapterConversion.convert(
            resource(THEIRS.get(from)),
            AdapterFiles.layers(resource("../../models/tiny-sd")),
            to,
            null,
            target);
    for (var file : written) {
      if (!file.toString().endsWith(".json")) {
        var theirs = resource(THEIRS.get(to));
        same(file, to == Form.PEFT ? theirs.resolve(target.relativize(file)) : theirs);
      }
    }
    assertThat(written).hasSize(to == Form.PEFT ? 4 : 1);
  }

  @Test
  void aRoundTripKeepsEveryBit() throws Exception {
    var layers = AdapterFiles.layers(resource("../../models/tiny-sd"));
    var kohya = resource(THEIRS.get(Form.KOHYA));
    var peft = folder.resolve("peft");
    var diffusers = folder.resolve("d.safetensors");
    var back = folder.resolve("back.safetensors");
    AdapterConversion.convert(kohya, layers, Form.PEFT, null, peft);
    AdapterConversion.convert(peft, layers, Form.DIFFUSERS, null, diffusers);
    AdapterConversion.convert(diffusers, layers, Form.KOHYA, null, back);
    same(back, kohya);
  }

  @Test
  void thePrecisionMayBeChangedAndIsKeptOtherwise() throws Exception {
    var layers = AdapterFiles.layers(resource("../../models/tiny-sd"));
    var half = folder.resolve("half.safetensors");
    AdapterConversion.convert(
        resource(THEIRS.get(Form.KOHYA)), layers, Form.DIFFUSERS, SavePrecision.FP16, half);
    var kept = folder.resolve("kept.safetensors");
    AdapterConversion.convert(half, layers, Form.KOHYA, null, kept);
    try (var file = Checkpoint.open(kept)) {
      for (var name : file.names()) {
        assertThat(file.info(name).dtype())
            .isEqualTo(name.endsWith(".alpha") ? DType.F32 : DType.F16);
      }
      assertThat(file.files().iterator().next().metadata())
          .containsEntry("ss_network_dim", "8")
          .containsEntry("ss_network_alpha", "16.0")
          .containsKey("sshs_model_hash")
          .doesNotContainKey("lora_adapter_metadata");
    }
  }

  @Test
  void withoutAModelTheLayersAreThoseOfStableDiffusion() {
    var file = folder.resolve("sd15.safetensors");
    var layer = "lora_unet_up_blocks_3_attentions_2_transformer_blocks_0_attn2_to_out_0";
    var text = "lora_te_text_model_encoder_layers_11_mlp_fc1";
    new SafetensorsWriter()
        .add(layer + ".lora_down.weight", List.of(2L, 320L), ones(640))
        .add(layer + ".lora_up.weight", List.of(320L, 2L), ones(640))
        .add(layer + ".alpha", List.of(), new float[] {1})
        .add(text + ".lora_down.weight", List.of(4L, 768L), ones(3072))
        .add(text + ".lora_up.weight", List.of(3072L, 4L), ones(12288))
        .writeTo(file);
    var out = folder.resolve("out.safetensors");
    AdapterConversion.convert(file, AdapterFiles.usualLayers(), Form.DIFFUSERS, null, out);
    try (var read = Checkpoint.open(out)) {
      assertThat(read.names())
          .contains(
              "unet.up_blocks.3.attentions.2.transformer_blocks.0.attn2.to_out.0.lora.down.weight",
              "text_encoder.text_model.encoder.layers.11.mlp.fc1.lora_linear_layer.up.weight");
    }
  }

  @Test
  void whatIsNoLoraIsRefusedByName() {
    var file = folder.resolve("loha.safetensors");
    new SafetensorsWriter().add("lora_unet_conv_in.hada_w1_a", List.of(1L), ones(1)).writeTo(file);
    assertThatThrownBy(
            () ->
                AdapterConversion.convert(
                    file, AdapterFiles.usualLayers(), Form.PEFT, null, folder.resolve("out")))
        .isInstanceOf(ModelException.Unsupported.class)
        .hasMessageContaining("LoHa");
  }

  @Test
  void anotherModelsLayersAreNamed() {
    var file = folder.resolve("other.safetensors");
    new SafetensorsWriter()
        .add("lora_unet_mid_block_attentions_0_proj_in.lora_down.weight", List.of(1L, 1L), ones(1))
        .add("lora_unet_mid_block_attentions_0_proj_in.lora_up.weight", List.of(1L, 1L), ones(1))
        .add("lora_unet_input_blocks_4_1_proj_in.lora_down.weight", List.of(1L, 1L), ones(1))
        .writeTo(file);
    assertThatThrownBy(
            () ->
                AdapterConversion.convert(
                    file,
                    AdapterFiles.usualLayers(),
                    Form.KOHYA,
                    null,
                    folder.resolve("out.safetensors")))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("lora_unet_input_blocks_4_1_proj_in");
  }

  private static void same(Path ours, Path theirs) {
    try (var a = Checkpoint.open(ours);
        var b = Checkpoint.open(theirs)) {
      assertThat(a.names()).containsExactlyInAnyOrderElementsOf(b.names());
      for (var name : b.names()) {
        assertThat(a.info(name).shape()).as(name).isEqualTo(b.info(name).shape());
        assertThat(a.data(name).mismatch(b.data(name))).as(name).isEqualTo(-1);
      }
    }
  }

  private static float[] ones(int count) {
    var ones = new float[count];
    Arrays.fill(ones, 1);
    return ones;
  }

  private static Path resource(String name) throws Exception {
    var golden =
        AdapterConversionTest.class
            .getClassLoader()
            .getResource("parity/golden/sd-lora-te/golden.json");
    return Path.of(golden.toURI()).resolveSibling(name).normalize();
  }
}
