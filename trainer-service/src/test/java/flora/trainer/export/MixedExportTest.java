package flora.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import flora.models.lora.Lora;
import flora.models.lora.LoraConfig;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraGroup;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.lora.LoraTargets;
import flora.models.singlefile.ModelFiles;
import flora.models.stablediffusion.UNet;
import flora.models.weights.AdaptableLayer;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.TrainingPlan;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

/**
 * An adapter of both networks, with convolutions of another rank and alphas by the square root of
 * the rank, in every form and precision.
 */
class MixedExportTest {
  private static final String ATTENTION = "mid_block.attentions.0.transformer_blocks.0.attn1.to_q";
  private static final String CONVOLUTION = "down_blocks.0.resnets.0.conv1";
  private static final String TEXT = "text_model.encoder.layers.1.self_attn.q_proj";

  private static Path models;
  private static Adapter trained;

  @TempDir Path folder;

  @BeforeAll
  static void train() throws Exception {
    models =
        Path.of(
            MixedExportTest.class.getClassLoader().getResource("parity/models/tiny-sd").toURI());
    var unetConfig =
        new LoraConfig(
            List.of(
                new LoraGroup(List.of("to_q", "proj_in"), 6, 3),
                new LoraGroup(List.of("conv1", "time_emb_proj"), 2, 5)),
            0.1,
            true);
    var textConfig = LoraConfig.of(4, 4, 0, List.of("q_proj", "fc1"));
    try (var unet = ModelFiles.open(models).unet();
        var text = ModelFiles.open(models).textEncoder();
        var ofUnet = changed(Network.UNET, unet.layers(), unetConfig);
        var ofText = changed(Network.TEXT_ENCODER, text.layers(), textConfig)) {
      trained = Adapter.of(ofUnet, ofText);
    }
  }

  @AfterAll
  static void forget() {
    trained = null;
  }

  @ParameterizedTest
  @EnumSource(SavePrecision.class)
  void everyFormActsAsTheTrainedOne(SavePrecision precision) {
    try (var probe = NetworkProbe.open(ModelFiles.open(models), trained)) {
      var names = AdapterExport.write(trained, provenance(), precision, probe, folder);
      assertThat(names)
          .containsExactly(
              "adapter/kohya/mixed.safetensors",
              "adapter/diffusers/pytorch_lora_weights.safetensors",
              "adapter/peft/unet/adapter_model.safetensors",
              "adapter/peft/unet/adapter_config.json",
              "adapter/peft/text_encoder/adapter_model.safetensors",
              "adapter/peft/text_encoder/adapter_config.json");
      for (var name : names) {
        if (name.endsWith(".safetensors")) {
          var deviation = probe.deviation(folder.resolve(name));
          assertThat(deviation.effect()).isGreaterThan(1e-3 * deviation.output());
          if (precision == SavePrecision.FP32) {
            assertThat(deviation.error()).isLessThan(1e-5 * deviation.effect());
          } else {
            assertThat(deviation.error()).isPositive();
          }
        }
      }
    }
  }

  @Test
  void alphasAreFoldedWhereTheFormHasOnlyOneRule() throws IOException {
    AdapterExport.write(trained, provenance(), SavePrecision.FP16, folder);
    try (var file = Checkpoint.open(folder.resolve("adapter/kohya/mixed.safetensors"))) {
      var key = "lora_unet_" + ATTENTION.replace('.', '_');
      var alpha = file.info(key + ".alpha");
      assertThat(alpha.dtype()).isEqualTo(DType.F32);
      assertThat(Tensors.read(file, key + ".alpha").values()[0])
          .isEqualTo((float) (3 / Math.sqrt(6) * 6));
      assertThat(file.info(key + ".lora_down.weight").dtype()).isEqualTo(DType.F16);
      assertThat(file.info("lora_te_" + TEXT.replace('.', '_') + ".lora_up.weight").shape())
          .containsExactly(32L, 4L);
      assertThat(file.info("lora_unet_down_blocks_0_resnets_0_conv1.lora_down.weight").shape())
          .containsExactly(2L, 16L, 3L, 3L);
    }
    var header =
        Json.mapper()
            .readTree(
                metadata("adapter/diffusers/pytorch_lora_weights.safetensors")
                    .get("lora_adapter_metadata"));
    assertThat(header.get("unet.use_rslora").booleanValue()).isFalse();
    assertThat(header.get("unet.r").intValue()).isEqualTo(6);
    assertThat(header.get("unet.rank_pattern").get(CONVOLUTION).intValue()).isEqualTo(2);
    assertThat(header.get("unet.alpha_pattern").get(CONVOLUTION).doubleValue())
        .isCloseTo(5 / Math.sqrt(2) * 2, within(1e-12));
    assertThat(header.get("text_encoder.lora_alpha").intValue()).isEqualTo(4);
  }

  @Test
  void peftKeepsTheRuleOfTheTraining() throws IOException {
    AdapterExport.write(trained, provenance(), SavePrecision.FP32, folder);
    var config = json("adapter/peft/unet/adapter_config.json");
    assertThat(config.get("use_rslora").booleanValue()).isTrue();
    assertThat(config.get("lora_alpha").intValue()).isEqualTo(3);
    assertThat(config.get("alpha_pattern").get(CONVOLUTION).intValue()).isEqualTo(5);
    assertThat(config.get("alpha_pattern").has(ATTENTION)).isFalse();
    assertThat(config.get("target_modules").toString())
        .isEqualTo("[\"conv1\",\"proj_in\",\"time_emb_proj\",\"to_q\"]");
    assertThat(json("adapter/peft/text_encoder/adapter_config.json").toString())
        .contains("CLIPTextModel")
        .contains("\"use_rslora\":false");
  }

  @Test
  void aWordForManyLayersIsSpelledOutForPeft() throws IOException {
    try (var unet = UNet.open(models.resolve("unet"));
        var lora =
            changed(
                Network.UNET,
                unet.layers(),
                LoraConfig.of(2, 2, 0, List.of(LoraTargets.ATTENTION)))) {
      AdapterExport.write(Adapter.of(lora), provenance(), SavePrecision.FP32, folder);
      var targets = json("adapter/peft/unet/adapter_config.json").get("target_modules");
      assertThat(targets).hasSize(lora.layers().size());
      assertThat(targets.toString()).contains(ATTENTION);
    }
  }

  @Test
  void aFileThatActsOtherwiseIsFound() {
    try (var probe = NetworkProbe.open(ModelFiles.open(models), trained)) {
      assertThatThrownBy(
              () ->
                  AdapterExport.write(
                      weaker(trained), provenance(), SavePrecision.FP32, probe, folder))
          .isInstanceOf(ExportException.ActsOtherwise.class)
          .hasMessageContaining("adapter/kohya/mixed.safetensors");
    }
  }

  @Test
  void aWeightBeyondHalfPrecisionIsRefused() {
    var part = trained.parts().getFirst();
    var pair = part.pairs().getFirst();
    pair.up().values()[0] += 70_000;
    try {
      assertThatThrownBy(
              () -> AdapterExport.write(trained, provenance(), SavePrecision.FP16, folder))
          .isInstanceOf(ExportException.TooLarge.class)
          .hasMessageContaining(pair.module());
    } finally {
      pair.up().values()[0] -= 70_000;
    }
  }

  /** Ties go to the even neighbour: halves of the last place both ways. */
  @ParameterizedTest
  @CsvSource({
    "FP16, 1.00048828125, 1.0",
    "FP16, 1.00146484375, 1.001953125",
    "BF16, 1.00390625, 1.0",
    "BF16, 1.01171875, 1.015625",
    "BF16, -3.39e38, -3.3895313892515355E38",
    "FP32, 1.00048828125, 1.00048828125"
  })
  void roundsToTheNearestEven(SavePrecision precision, double value, double expected) {
    assertThat(Tensors.rounded((float) value, precision)).isEqualTo((float) expected);
  }

  @Test
  void theHeaderTellsTheTrainingWithoutTimeOrPlace() {
    AdapterExport.write(trained, provenance(), SavePrecision.FP32, folder);
    var metadata = metadata("adapter/kohya/mixed.safetensors");
    assertThat(metadata)
        .containsEntry("modelspec.sai_model_spec", "1.0.1")
        .containsEntry("modelspec.architecture", "stable-diffusion-v1/lora")
        .containsEntry("modelspec.implementation", "diffusers")
        .containsEntry("modelspec.title", "mixed")
        .containsEntry("modelspec.resolution", "512x512")
        .containsEntry("modelspec.prediction_type", "epsilon")
        .containsEntry("ss_network_args", "{\"conv_alpha\":\"5.0\",\"conv_dim\":\"2\"}")
        .containsEntry("ss_clip_skip", "None")
        .containsEntry("ss_enable_bucket", "False")
        .containsEntry("ss_loss_type", "l2")
        .doesNotContainKeys("modelspec.date", "ss_session_id", "ss_training_started_at");
    assertThat(metadata.get("ss_text_encoder_lr")).isEqualTo(metadata.get("ss_unet_lr"));
  }

  private static Lora changed(
      Network network, Map<String, AdaptableLayer> layers, LoraConfig config) {
    LoraState state;
    try (var fresh = Lora.create(network, layers, config, 5)) {
      var random = new Random(11);
      var matrices = new LinkedHashMap<String, LoraState.Matrix>();
      fresh
          .state()
          .matrices()
          .forEach(
              (name, matrix) -> {
                var values = matrix.values().clone();
                for (int i = 0; name.endsWith(LoraState.B) && i < values.length; i++) {
                  values[i] = (float) random.nextGaussian() / 10;
                }
                long[] shape = matrix.shape().stream().mapToLong(Long::longValue).toArray();
                matrices.put(name, new LoraState.Matrix(shape, values));
              });
      state = new LoraState(matrices);
    }
    return Lora.of(network, layers, config, state);
  }

  /** The same matrices, but one layer's alpha is lost on the way. */
  private static Adapter weaker(Adapter adapter) {
    return new Adapter(
        adapter.parts().stream()
            .map(
                part ->
                    new Adapter.Part(
                        part.network(),
                        part.config(),
                        part.pairs().stream()
                            .map(
                                pair ->
                                    pair.module().equals(CONVOLUTION)
                                        ? new Adapter.Pair(pair.module(), 2, pair.down(), pair.up())
                                        : pair)
                            .toList()))
            .toList());
  }

  private Map<String, String> metadata(String name) {
    var path = folder.resolve(name);
    try (var file = Checkpoint.open(path)) {
      assertThat(LoraFile.networks(path)).containsExactlyInAnyOrder(Network.values());
      return file.files().iterator().next().metadata();
    }
  }

  private JsonNode json(String name) throws IOException {
    return Json.mapper().readTree(Files.readString(folder.resolve(name)));
  }

  private static Provenance provenance() {
    var network =
        new NetworkPlan(
            6, 3.0, 0.1, List.of("to_q"), true, 2, 5.0, true, true, List.of("q_proj"), null);
    return new Provenance(
        "mixed",
        "tiny/sd",
        null,
        new Sha256("a".repeat(64)),
        "sd_v1",
        "epsilon",
        "pictures",
        new Sha256("d".repeat(64)),
        20,
        TrainingPlan.StableDiffusionLora.defaults().with(network),
        50,
        10);
  }
}
