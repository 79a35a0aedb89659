package flora.trainer.export;

import static flora.schemas.request.KeepPlan.SavePrecision.FP32;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.lora.LoraConfig;
import flora.models.lora.LoraKeys.Network;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.ObjectivePlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.TrainingPlan;
import flora.tensors.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdapterExportTest {

  private static final String ATTENTION =
      "mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0";
  private static final String CONVOLUTION = "down_blocks.0.resnets.0.conv1";

  @TempDir Path folder;

  @Test
  void writesKohyasKeysWithTheirAlpha() {
    AdapterExport.write(adapter(2, 3.0), provenance(), FP32, folder);

    try (var file = Checkpoint.open(folder.resolve("adapter/kohya/drawn.safetensors"))) {
      assertThat(file.names())
          .containsExactlyInAnyOrder(
              "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_down.weight",
              "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.lora_up.weight",
              "lora_unet_mid_block_attentions_0_transformer_blocks_0_attn1_to_out_0.alpha",
              "lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight",
              "lora_unet_down_blocks_0_resnets_0_conv1.lora_up.weight",
              "lora_unet_down_blocks_0_resnets_0_conv1.alpha");
      var alpha = Tensors.read(file, "lora_unet_down_blocks_0_resnets_0_conv1.alpha");
      assertThat(alpha.shape()).isEmpty();
      assertThat(alpha.values()).containsExactly(3f);
      assertThat(file.files().iterator().next().metadata())
          .containsEntry("ss_network_dim", "2")
          .containsEntry("ss_network_alpha", "3.0")
          .containsEntry("ss_network_module", "networks.lora")
          .containsEntry("ss_base_model_version", "sd_v1")
          .containsEntry("ss_resolution", "(512, 512)")
          .containsEntry("ss_dataset_dirs", "{\"pictures\":{\"n_repeats\":1,\"img_count\":20}}")
          .containsEntry("flora.base_model_sha256", "a".repeat(64))
          .containsEntry("flora.dataset_version", "d".repeat(64));
    }
  }

  /** hashlib.sha256 over all that follows the header, as sd-scripts do. */
  @Test
  void hashOfTheTensorsIsTheOneThatWebUisCompute() throws Exception {
    AdapterExport.write(adapter(2, 3.0), provenance(), FP32, folder);

    var path = folder.resolve("adapter/kohya/drawn.safetensors");
    var bytes = Files.readAllBytes(path);
    int header = (bytes[0] & 255) | (bytes[1] & 255) << 8 | (bytes[2] & 255) << 16;
    var body = Arrays.copyOfRange(bytes, 8 + header, bytes.length);
    try (var file = Checkpoint.open(path)) {
      assertThat(file.files().iterator().next().metadata())
          .containsEntry(
              "sshs_model_hash",
              Sha256.of(MessageDigest.getInstance("SHA-256").digest(body)).hex());
    }
  }

  @Test
  void diffusersFileSaysItsAlpha() {
    AdapterExport.write(adapter(2, 3.0), provenance(), FP32, folder);

    var path = folder.resolve("adapter/diffusers/pytorch_lora_weights.safetensors");
    try (var file = Checkpoint.open(path)) {
      assertThat(file.names())
          .containsExactlyInAnyOrder(
              "unet." + ATTENTION + ".lora.down.weight",
              "unet." + ATTENTION + ".lora.up.weight",
              "unet." + CONVOLUTION + ".lora.down.weight",
              "unet." + CONVOLUTION + ".lora.up.weight");
      var config =
          Json.mapper()
              .readTree(file.files().iterator().next().metadata().get("lora_adapter_metadata"));
      assertThat(config.get("unet.lora_alpha").asInt()).isEqualTo(3);
      assertThat(config.get("unet.r").asInt()).isEqualTo(2);
      assertThat(config.get("unet.target_modules").toString())
          .isEqualTo("[\"conv1\",\"to_out.0\"]");
    }
  }

  @Test
  void peftFolderHasItsConfiguration() throws IOException {
    AdapterExport.write(adapter(2, 1.5), provenance(), FP32, folder);

    var peft = folder.resolve("adapter/peft/unet");
    try (var file = Checkpoint.open(peft.resolve("adapter_model.safetensors"))) {
      assertThat(file.names())
          .contains(
              "base_model.model." + ATTENTION + ".lora_A.weight",
              "base_model.model." + ATTENTION + ".lora_B.weight");
    }
    var config = Json.mapper().readTree(Files.readString(peft.resolve("adapter_config.json")));
    assertThat(config.get("peft_type").asString()).isEqualTo("LORA");
    assertThat(config.get("lora_alpha").asDouble()).isEqualTo(1.5);
    assertThat(config.get("revision").asString()).isEqualTo("c0ffee");
    assertThat(config.get("task_type").isNull()).isTrue();
  }

  @Test
  void theSameAdapterIsTheSameBytes() throws IOException {
    var names = AdapterExport.write(adapter(2, 3.0), provenance(), FP32, folder.resolve("one"));
    AdapterExport.write(adapter(2, 3.0), provenance(), FP32, folder.resolve("two"));

    assertThat(names).hasSize(4);
    for (var name : names) {
      assertThat(folder.resolve("two").resolve(name))
          .hasSameBinaryContentAs(folder.resolve("one").resolve(name));
    }
  }

  @Test
  void kohyasFileCanBeReadBackByModule() {
    AdapterExport.write(adapter(2, 3.0), provenance(), FP32, folder);

    var pairs =
        KohyaFile.read(folder.resolve("adapter/kohya/drawn.safetensors"), List.of(ATTENTION));

    assertThat(pairs).hasSize(1);
    assertThat(pairs.getFirst().up().values())
        .containsExactly(adapter(2, 3.0).pairs().getLast().up().values());
  }

  @Test
  void refusesAWeightThatIsNotANumber() {
    var broken =
        unet(
            LoraConfig.of(1, 1, 0, List.of("conv1")),
            new Adapter.Pair(
                CONVOLUTION,
                1,
                tensor(List.of(1L, 2L), 1, Float.NaN),
                tensor(List.of(2L, 1L), 1, 1)));

    assertThatThrownBy(() -> AdapterExport.write(broken, provenance(), FP32, folder))
        .isInstanceOf(ExportException.NotFinite.class)
        .hasMessageContaining(CONVOLUTION);
  }

  @Test
  void refusesAnAdapterThatChangesNothing() {
    var idle =
        unet(
            LoraConfig.of(1, 1, 0, List.of("conv1")),
            new Adapter.Pair(
                CONVOLUTION, 1, tensor(List.of(1L, 2L), 1, 1), tensor(List.of(2L, 1L), 0, 0)));

    assertThatThrownBy(() -> AdapterExport.write(idle, provenance(), FP32, folder))
        .isInstanceOf(ExportException.ChangesNothing.class);
  }

  private static Adapter adapter(int rank, double alpha) {
    return unet(
        LoraConfig.of(rank, alpha, 0.0, List.of("to_out.0", "conv1")),
        new Adapter.Pair(
            ATTENTION,
            alpha,
            tensor(List.of(2L, 3L), 1, 2, 3, 4, 5, 6),
            tensor(List.of(1L, 2L), -1, 0.5f)),
        new Adapter.Pair(
            CONVOLUTION,
            alpha,
            tensor(List.of(2L, 1L, 1L, 2L), 1, 2, 3, 4),
            tensor(List.of(1L, 2L, 1L, 1L), 7, 8)));
  }

  private static Adapter unet(LoraConfig config, Adapter.Pair... pairs) {
    return new Adapter(List.of(new Adapter.Part(Network.UNET, config, List.of(pairs))));
  }

  private static Adapter.Tensor tensor(List<Long> shape, float... values) {
    return new Adapter.Tensor(shape, values);
  }

  private static Provenance provenance() {
    var plan =
        TrainingPlan.StableDiffusionLora.defaults()
            .with(NetworkPlan.of(2, 3.0, 0.0, List.of("to_out.0", "conv1")))
            .with(
                OptimizerPlan.of(
                    1,
                    4,
                    OptimizerPlan.Length.ofEpochs(10),
                    OptimizerPlan.Rate.constant(1e-4),
                    OptimizerPlan.AdamW.DEFAULT))
            .with(ObjectivePlan.of(5.0))
            .with(PicturePlan.of(512, true, false))
            .with(KeepPlan.of(100))
            .withSeed(42);
    return new Provenance(
        "drawn",
        "somebody/model",
        "c0ffee",
        new Sha256("a".repeat(64)),
        "sd_v1",
        "epsilon",
        "pictures",
        new Sha256("d".repeat(64)),
        20,
        plan,
        50,
        10);
  }
}
