package flora.trainer.export;

import static org.assertj.core.api.Assertions.assertThat;

import flora.models.lora.LoraConfig;
import flora.models.lora.LoraKeys.Network;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.TrainingPlan;
import flora.tensors.Checkpoint;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

/**
 * The adapter that peft trained, written by our exporter, beside the files that diffusers, peft and
 * a converter to kohya's keys wrote: the same tensors to the bit, and the same settings.
 */
class ExportParityTest {

  @TempDir Path folder;

  @BeforeEach
  void exportTheTrainedAdapter() throws Exception {
    var pairs = new ArrayList<Adapter.Pair>();
    try (var golden = Checkpoint.open(resource("parity/golden/sd-lora-const/golden.safetensors"))) {
      for (var name : golden.names()) {
        if (name.startsWith("final.unet.") && name.endsWith(".lora_A.weight")) {
          var module =
              name.substring("final.unet.".length(), name.length() - ".lora_A.weight".length());
          pairs.add(
              new Adapter.Pair(
                  module,
                  16,
                  Tensors.read(golden, name),
                  Tensors.read(golden, "final.unet." + module + ".lora_B.weight")));
        }
      }
    }
    var targets = List.of("to_q", "to_k", "to_v", "to_out.0");
    var plan =
        TrainingPlan.StableDiffusionLora.defaults()
            .with(NetworkPlan.of(8, 16, 0, targets))
            .with(
                OptimizerPlan.of(
                    2,
                    1,
                    OptimizerPlan.Length.ofSteps(20),
                    OptimizerPlan.Rate.constant(5e-4),
                    OptimizerPlan.AdamW.DEFAULT))
            .with(PicturePlan.of(64, true, false))
            .with(KeepPlan.of(100))
            .withSeed(1305);
    var provenance =
        new Provenance(
            "lora",
            "tiny/sd",
            null,
            new Sha256("a".repeat(64)),
            "sd_v1",
            "epsilon",
            "shapes",
            new Sha256("d".repeat(64)),
            14,
            plan,
            20,
            2);
    var part = new Adapter.Part(Network.UNET, LoraConfig.of(8, 16, 0, targets), pairs);
    AdapterExport.write(new Adapter(List.of(part)), provenance, SavePrecision.FP32, folder);
  }

  @Test
  void kohyasFileEqualsThePeers() throws Exception {
    var ours = folder.resolve("adapter/kohya/lora.safetensors");
    var theirs = resource("parity/exports/kohya/lora.safetensors");

    assertSameTensors(ours, theirs);
    try (var a = Checkpoint.open(ours);
        var b = Checkpoint.open(theirs)) {
      assertThat(header(a)).containsAllEntriesOf(header(b));
    }
  }

  @Test
  void diffusersFileEqualsThePeers() throws Exception {
    var ours = folder.resolve("adapter/diffusers/pytorch_lora_weights.safetensors");
    var theirs = resource("parity/exports/diffusers/pytorch_lora_weights.safetensors");

    assertSameTensors(ours, theirs);
    try (var a = Checkpoint.open(ours);
        var b = Checkpoint.open(theirs)) {
      assertSameSettings(
          Json.mapper().readTree(header(a).get("lora_adapter_metadata")),
          Json.mapper().readTree(header(b).get("lora_adapter_metadata")),
          "unet.target_modules");
    }
  }

  @Test
  void peftsFolderEqualsThePeers() throws Exception {
    var ours = folder.resolve("adapter/peft/unet");
    var theirs = resource("parity/exports/peft");

    assertSameTensors(
        ours.resolve("adapter_model.safetensors"), theirs.resolve("adapter_model.safetensors"));
    assertSameSettings(
        Json.mapper().readTree(Files.readString(ours.resolve("adapter_config.json"))),
        Json.mapper().readTree(Files.readString(theirs.resolve("adapter_config.json"))),
        "target_modules");
  }

  private static void assertSameTensors(Path ours, Path theirs) {
    try (var a = Checkpoint.open(ours);
        var b = Checkpoint.open(theirs)) {
      assertThat(a.names()).containsExactlyInAnyOrderElementsOf(b.names());
      for (var name : b.names()) {
        assertThat(a.info(name).shape()).as(name).isEqualTo(b.info(name).shape());
        assertThat(Tensors.read(a, name).values())
            .as(name)
            .containsExactly(Tensors.read(b, name).values());
      }
    }
  }

  /** Every setting that we write has the peer's value; targets are a set. */
  private static void assertSameSettings(JsonNode ours, JsonNode theirs, String targets) {
    for (var entry : ours.properties()) {
      if (entry.getKey().equals(targets)) {
        assertThat(entry.getValue().valueStream().map(JsonNode::asString))
            .containsExactlyInAnyOrderElementsOf(
                theirs.get(targets).valueStream().map(JsonNode::asString).toList());
      } else if (!entry.getKey().equals("base_model_name_or_path")) {
        assertThat(entry.getValue()).as(entry.getKey()).isEqualTo(theirs.get(entry.getKey()));
      }
    }
  }

  private static Map<String, String> header(Checkpoint file) {
    return file.files().iterator().next().metadata();
  }

  private static Path resource(String name) throws URISyntaxException {
    return Path.of(ExportParityTest.class.getClassLoader().getResource(name).toURI());
  }
}
