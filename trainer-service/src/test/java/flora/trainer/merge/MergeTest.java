package flora.trainer.merge;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.lora.Lora;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraState;
import flora.models.stablediffusion.UNet;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.tensors.SafetensorsWriter;
import flora.trainer.TinySingleFile;
import flora.trainer.merge.Merge.Use;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class MergeTest {

  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({
    "sd-lora-te, golden/sd-lora-te/kohya/lora.safetensors",
    "sd-lora-te, golden/sd-lora-te/diffusers/pytorch_lora_weights.safetensors",
    "sd-lora-te, golden/sd-lora-te/peft",
    "sd-lora-const, exports/kohya/lora.safetensors"
  })
  void equalsWhatPeftMerges(String set, String adapter) throws Exception {
    var base = resource("models/tiny-sd");
    var merged = folder.resolve("merged");
    var uses = List.of(new Use(resource(adapter), 1, 1));
    int changed = Merge.merge(base, uses, merged, (done, total) -> {});

    try (var golden = Checkpoint.open(resource("golden/" + set + "/merged_changed.safetensors"))) {
      assertThat(changed).isEqualTo(golden.names().size());
      for (var network : Network.values()) {
        var word = network.word();
        try (var ours = Checkpoint.open(merged.resolve(word));
            var before = Checkpoint.open(base.resolve(word))) {
          assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(before.names());
          for (var name : before.names()) {
            assertThat(ours.info(name).dtype()).isEqualTo(before.info(name).dtype());
            assertThat(ours.info(name).shape()).isEqualTo(before.info(name).shape());
            var key = word + "." + name;
            if (golden.contains(key)) {
              assertThat(values(ours, name))
                  .as(key)
                  .containsExactly(values(golden, key), within(1e-6f));
              assertThat(ours.data(name).mismatch(before.data(name))).isNotNegative();
            } else {
              assertThat(ours.data(name).mismatch(before.data(name))).as(key).isEqualTo(-1);
            }
          }
        }
      }
    }
    assertThat(merged.resolve("model_index.json"))
        .hasSameBinaryContentAs(base.resolve("model_index.json"));
    assertThat(merged.resolve("vae/diffusion_pytorch_model.safetensors"))
        .hasSameBinaryContentAs(base.resolve("vae/diffusion_pytorch_model.safetensors"));
    assertThat(merged.resolve("tokenizer/merges.txt")).exists();
  }

  @Test
  void theMergedModelSaysWhatTheAdapterMakesTheBaseSay() throws Exception {
    var base = resource("models/tiny-sd");
    var adapter = resource("golden/sd-lora-te/kohya/lora.safetensors");
    var merged = folder.resolve("merged");
    Merge.merge(base, List.of(new Use(adapter, 0.5, 0)), merged, (done, total) -> {});

    float[] expected;
    try (var unet = UNet.open(base.resolve("unet"))) {
      var file = LoraFile.read(adapter, Network.UNET, unet.layers().keySet());
      try (var lora = Lora.of(Network.UNET, unet.layers(), file.config(), file.state())) {
        lora.strength(0.5);
        expected = output(unet);
      }
    }
    try (var unet = UNet.open(merged.resolve("unet"))) {
      assertThat(output(unet)).containsExactly(expected, within(2e-5f));
    }
    assertThat(merged.resolve("text_encoder/model.safetensors"))
        .as("at strength 0 nothing is touched")
        .hasSameBinaryContentAs(base.resolve("text_encoder/model.safetensors"));
  }

  @Test
  void severalAdaptersAddUpWhateverTheirOrder() throws Exception {
    var base = resource("models/tiny-sd");
    var one = new Use(resource("golden/sd-lora-te/kohya/lora.safetensors"), 0.7, 1);
    var two = new Use(resource("exports/kohya/lora.safetensors"), -0.3, 0);
    Merge.merge(base, List.of(one, two), folder.resolve("ab"), (done, total) -> {});
    Merge.merge(base, List.of(two, one), folder.resolve("ba"), (done, total) -> {});
    var key = "mid_block.attentions.0.transformer_blocks.0.attn2.to_v.weight";
    try (var ab = Checkpoint.open(folder.resolve("ab/unet"));
        var ba = Checkpoint.open(folder.resolve("ba/unet"));
        var before = Checkpoint.open(base.resolve("unet"))) {
      assertThat(values(ab, key)).containsExactly(values(ba, key), within(1e-6f));
      assertThat(values(ab, key)).isNotEqualTo(values(before, key));
    }
  }

  /** A file as most models are handed on: half precision, averaged weights beside. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F16", "BF16", "F32"})
  void aSingleFileKeepsItsLayoutAndTypes(DType type) throws Exception {
    var base = folder.resolve("model.safetensors");
    TinySingleFile.write(base, type);
    var adapter = resource("golden/sd-lora-te/kohya/lora.safetensors");
    var merged = folder.resolve("out/merged.safetensors");
    var seen = new ArrayList<Integer>();
    int changed =
        Merge.merge(base, List.of(new Use(adapter, 1, 1)), merged, (done, total) -> seen.add(done));

    try (var before = Checkpoint.open(base);
        var after = Checkpoint.open(merged);
        var golden = Checkpoint.open(resource("golden/sd-lora-te/merged_changed.safetensors"))) {
      assertThat(after.names()).containsExactlyInAnyOrderElementsOf(before.names());
      assertThat(seen).hasSize(before.names().size()).isSorted();
      int differing = 0;
      for (var name : before.names()) {
        assertThat(after.info(name))
            .usingRecursiveComparison()
            .comparingOnlyFields("dtype", "shape")
            .isEqualTo(before.info(name));
        differing += after.data(name).mismatch(before.data(name)) < 0 ? 0 : 1;
      }
      assertThat(differing).isEqualTo(changed).isEqualTo(golden.names().size());
      var key = "mid_block.attentions.0.transformer_blocks.0.attn2.to_k.weight";
      var name =
          "model.diffusion_model.middle_block.1" + key.substring("mid_block.attentions.0".length());
      var stored = values(before, name);
      var got = values(after, name);
      var wanted = values(golden, "unet." + key);
      float step = type == DType.BF16 ? 1 / 256f : type == DType.F16 ? 1 / 2048f : 0;
      try (var unrounded = Checkpoint.open(resource("models/tiny-sd/unet"))) {
        var full = values(unrounded, key);
        for (int i = 0; i < wanted.length; i++) {
          float sum = stored[i] + (wanted[i] - full[i]);
          assertThat(got[i]).isCloseTo(sum, within(step * Math.abs(sum) + 1e-6f));
        }
      }
      assertThat(after.files().iterator().next().metadata())
          .containsEntry("flora.merged", "lora.safetensors:1.0:1.0")
          .containsEntry("modelspec.title", "base")
          .doesNotContainKey("modelspec.hash_sha256");
    }
  }

  @Test
  void anAdapterOfAnotherModelIsRefusedAndNothingIsLeft() throws Exception {
    var adapter = folder.resolve("foreign.safetensors");
    new SafetensorsWriter()
        .add(
            "lora_unet_mid_block_attentions_0_proj_in.lora_down.weight",
            List.of(1L, 3L),
            new float[3])
        .add(
            "lora_unet_mid_block_attentions_0_proj_in.lora_up.weight",
            List.of(5L, 1L),
            new float[5])
        .writeTo(adapter);
    var base = resource("models/tiny-sd");
    var merged = folder.resolve("merged");
    assertThatThrownBy(
            () -> Merge.merge(base, List.of(new Use(adapter, 1, 1)), merged, (done, total) -> {}))
        .isInstanceOf(WeightsMismatch.class)
        .hasMessageContaining("mid_block.attentions.0.proj_in.weight")
        .hasMessageContaining("[5, 1]");
    try (var left = Files.list(folder)) {
      assertThat(left).containsExactly(adapter);
    }
  }

  private static float[] output(UNet unet) {
    try (var _ = new Scope()) {
      var values = new float[4 * 64 + 4 * 32];
      for (int i = 0; i < values.length; i++) {
        values[i] = (float) Math.sin(i);
      }
      NDArray latents = Aten.of(Arrays.copyOf(values, 256), 1, 4, 8, 8);
      NDArray context = Aten.of(Arrays.copyOfRange(values, 256, 384), 1, 4, 32);
      return unet.forward(latents, new float[] {321}, context).toFloatArray();
    }
  }

  private static float[] values(Checkpoint file, String name) {
    assertThat(file.data(name).toArray(ValueLayout.JAVA_BYTE)).isNotEmpty();
    return LoraState.Matrix.read(file, name).values();
  }

  private static Path resource(String name) throws Exception {
    return Path.of(MergeTest.class.getClassLoader().getResource("parity/" + name).toURI());
  }
}
