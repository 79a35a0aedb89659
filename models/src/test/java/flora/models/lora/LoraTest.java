package flora.models.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.ModelException.TargetsUnknown;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Conv2d;
import flora.models.block.Linear;
import flora.models.lora.LoraKeys.Network;
import flora.models.random.RandomStream;
import flora.models.stablediffusion.UNet;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.Weights;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraTest {
  private static final LoraConfig ATTENTION = LoraConfig.of(2, 4, 0, List.of("to_q", "to_out.0"));

  @TempDir Path folder;

  @Test
  void targetsMatchWholePathsAndTheirEnds() {
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"))) {
      var layers = unet.layers();
      assertThat(LoraTargets.resolve(layers, List.of("to_q")))
          .hasSize(2 * LoraTargets.resolve(layers, List.of("attn2.to_q")).size());
      assertThat(LoraTargets.resolve(layers, List.of("conv_in")).keySet())
          .containsExactly("conv_in");
      assertThat(LoraTargets.resolve(layers, List.of("to_out.0"))).isNotEmpty();
      assertThatThrownBy(() -> LoraTargets.resolve(layers, List.of("to_q", "o_q")))
          .isInstanceOf(TargetsUnknown.class)
          .hasMessageContaining("o_q matches 0 modules")
          .hasMessageContaining("to_k")
          .hasMessageContaining("to_out.0")
          .hasMessageContaining("proj_in")
          .hasMessageContaining("conv_shortcut");
    }
  }

  @Test
  void aNewAdapterChangesNothingAndDependsOnlyOnItsSeed() {
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"));
        var lora = Lora.create(Network.UNET, unet.layers(), ATTENTION, 7)) {
      LoraState state = lora.state();
      String q = lora.layers().getFirst() + LoraState.A;
      double bound = 1 / Math.sqrt(state.matrices().get(q).shape().get(1));
      float largest = 0;
      for (float value : state.matrices().get(q).values()) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertThat((double) largest).isBetween(bound / 2, bound);
      assertThat(state.matrices().get(lora.layers().getFirst() + LoraState.B).values())
          .containsOnly(0);
      try (var again = Lora.create(Network.UNET, unet.layers(), ATTENTION, 7);
          var other = Lora.create(Network.UNET, unet.layers(), ATTENTION, 8)) {
        assertThat(again.state().matrices().get(q).values())
            .isEqualTo(state.matrices().get(q).values());
        assertThat(other.state().matrices().get(q).values())
            .isNotEqualTo(state.matrices().get(q).values());
      }
    }
  }

  @Test
  void adaptsLinearLayersAndConvolutionsOfAnyKernel() {
    try (var weights = Weights.open(network());
        var scope = new Scope()) {
      var dense = new Linear(weights.child("dense"), 3, 2, true);
      var conv = new Conv2d(weights.child("conv"), new Convolution(2, 3, 3, 2, 1), true);
      NDArray x = Aten.of(ramp(6), 2, 3);
      NDArray picture = Aten.of(ramp(2 * 25), 1, 2, 5, 5);
      float[] plain = dense.forward(x).toFloatArray();
      float[] plainPicture = conv.forward(picture).toFloatArray();
      var matrices = new LinkedHashMap<String, LoraState.Matrix>();
      matrices.put("dense.lora_A.weight", matrix(1, 3));
      matrices.put("dense.lora_B.weight", matrix(2, 1));
      matrices.put("conv.lora_A.weight", matrix(1, 2, 3, 3));
      matrices.put("conv.lora_B.weight", matrix(3, 1, 1, 1));
      var config = LoraConfig.of(1, 3, 0, List.of("dense", "conv"));
      try (var lora = Lora.of(Network.UNET, weights.layers(), config, new LoraState(matrices))) {
        float[] a = ramp(3);
        float[] b = ramp(2);
        float[] y = dense.forward(x).toFloatArray();
        for (int n = 0; n < 2; n++) {
          float low = 0;
          for (int i = 0; i < 3; i++) {
            low += ramp(6)[3 * n + i] * a[i];
          }
          for (int o = 0; o < 2; o++) {
            assertThat(y[2 * n + o]).isCloseTo(plain[2 * n + o] + 3 * low * b[o], within(1e-5f));
          }
        }
        // a rank-1 convolution is a convolution with the product of both kernels
        var product = new float[3 * 18];
        for (int i = 0; i < product.length; i++) {
          product[i] = 3 * ramp(3)[i / 18] * ramp(18)[i % 18];
        }
        NDArray change = Aten.conv2d(picture, Aten.of(product, 3, 2, 3, 3), null, 2, 1);
        float[] expected = change.toFloatArray();
        float[] changed = conv.forward(picture).toFloatArray();
        for (int i = 0; i < expected.length; i++) {
          assertThat(changed[i]).isCloseTo(plainPicture[i] + expected[i], within(1e-4f));
        }
        lora.strength(0);
        assertThat(dense.forward(x).toFloatArray()).isEqualTo(plain);
      }
      assertThat(conv.forward(picture).toFloatArray()).isEqualTo(plainPicture);
    }
  }

  @Test
  void droppedInputsDoNotReachTheAdapter() {
    try (var weights = Weights.open(network());
        var scope = new Scope()) {
      var dense = new Linear(weights.child("dense"), 3, 2, true);
      NDArray x = Aten.of(ramp(6), 2, 3);
      float[] plain = dense.forward(x).toFloatArray();
      var matrices = new LinkedHashMap<String, LoraState.Matrix>();
      matrices.put("dense.lora_A.weight", matrix(1, 3));
      matrices.put("dense.lora_B.weight", matrix(2, 1));
      var config = LoraConfig.of(1, 1, 0.5, List.of("dense"));
      try (var lora = Lora.of(Network.UNET, weights.layers(), config, new LoraState(matrices))) {
        lora.dropout((dropped, layer) -> Aten.mul(dropped, 0));
        assertThat(dense.forward(x).toFloatArray()).isEqualTo(plain);
        var stream = RandomStream.of(1, "dropout");
        lora.dropout(Dropout.of(stream, new long[] {3, 4}, 0.5));
        float[] masked = dense.forward(x).toFloatArray();
        assertThat(dense.forward(x).toFloatArray()).isEqualTo(masked);
        lora.dropout(null);
        assertThat(dense.forward(x).toFloatArray()).isNotEqualTo(masked);
      }
    }
  }

  @Test
  void whatIsDroppedDependsOnTheSampleNotOnItsNeighbours() {
    try (var scope = new Scope()) {
      var stream = RandomStream.of(1, "dropout");
      NDArray ones = Aten.add(Aten.of(new float[4 * 1000], 4, 1000), 1);
      // two rows for each sample, as windows of a text
      float[] both = Dropout.of(stream, new long[] {7, 9}, 0.1).drop(ones, 2).toFloatArray();
      NDArray two = Aten.narrow(ones, 0, 0, 2);
      float[] first = Dropout.of(stream, new long[] {7}, 0.1).drop(two, 2).toFloatArray();
      float[] second = Dropout.of(stream, new long[] {9}, 0.1).drop(two, 2).toFloatArray();
      assertThat(Arrays.copyOfRange(both, 0, 2000)).isEqualTo(first);
      assertThat(Arrays.copyOfRange(both, 2000, 4000)).isEqualTo(second).isNotEqualTo(first);
      assertThat(Arrays.copyOfRange(first, 0, 1000))
          .isNotEqualTo(Arrays.copyOfRange(first, 1000, 2000));
      assertThat(Dropout.of(stream, new long[] {7}, 0.1).drop(two, 3).toFloatArray())
          .isNotEqualTo(first);
      // 6554 of 65536 chances
      float kept = 65536f / (65536 - 6554);
      int dropped = 0;
      for (float value : both) {
        assertThat(value).isIn(0f, kept);
        dropped += value == 0 ? 1 : 0;
      }
      // five standard deviations
      assertThat(dropped).isBetween(400 - 95, 400 + 95);
      assertThatThrownBy(() -> Dropout.of(stream, new long[] {1, 2, 3}, 0.1).drop(ones, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("3 samples");
    }
  }

  @Test
  void theLastGroupThatNamesALayerCounts() {
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"))) {
      var config =
          LoraConfig.of(4, 1, 0, List.of(LoraTargets.TRANSFORMER)).withConvolutions(2, 0.5);
      try (var lora = Lora.create(Network.UNET, unet.layers(), config, 1)) {
        assertThat(lora.rank("mid_block.attentions.0.proj_in")).isEqualTo(4);
        assertThat(lora.rank("mid_block.resnets.0.conv1")).isEqualTo(2);
        assertThat(lora.alpha("mid_block.resnets.0.conv1")).isEqualTo(0.5);
        // sd-scripts' convolutions without a kernel are as wide as its linear layers
        assertThat(lora.rank("mid_block.resnets.0.time_emb_proj")).isEqualTo(4);
        assertThat(lora.rank("up_blocks.0.resnets.0.conv_shortcut")).isEqualTo(4);
        assertThat(lora.rank("down_blocks.0.downsamplers.0.conv")).isEqualTo(2);
        assertThat(lora.layers())
            .doesNotContain("conv_in", "conv_out", "time_embedding.linear_1")
            .isEqualTo(unet.layers().keySet().stream().filter(lora.layers()::contains).toList());
        assertThat(lora.state().matrices().get("mid_block.resnets.0.conv1" + LoraState.A).shape())
            .startsWith(2L)
            .endsWith(3L, 3L);
      }
    }
  }

  @Test
  void aStabilizedRankActsByItsRoot() {
    var plain = LoraConfig.of(16, 8, 0, List.of("to_q"));
    var stabilized = new LoraConfig(plain.groups(), 0, true);
    assertThat(plain.scale(plain.groups().getFirst())).isEqualTo(0.5);
    assertThat(stabilized.scale(plain.groups().getFirst())).isEqualTo(2);
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"));
        var lora = Lora.create(Network.UNET, unet.layers(), stabilized, 1)) {
      assertThat(lora.alpha(lora.layers().getFirst())).isEqualTo(32);
    }
  }

  @Test
  void stateSurvivesAFileAndMustFit() {
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"));
        var lora = Lora.create(Network.UNET, unet.layers(), ATTENTION, 7)) {
      var writer = new SafetensorsWriter();
      lora.state().writeTo(writer);
      Path file = folder.resolve("adapter.safetensors");
      writer.writeTo(file);
      try (var stored = Checkpoint.open(file)) {
        LoraState read = LoraState.read(stored);
        assertThat(read.matrices().keySet())
            .containsExactlyInAnyOrderElementsOf(lora.state().matrices().keySet());
        lora.state()
            .matrices()
            .forEach(
                (name, matrix) ->
                    assertThat(read.matrices().get(name).values()).isEqualTo(matrix.values()));
        var fewer = LoraConfig.of(2, 4, 0, List.of("to_q"));
        assertThatThrownBy(() -> Lora.of(Network.UNET, unet.layers(), fewer, read))
            .isInstanceOf(WeightsMismatch.class)
            .hasMessageContaining("to_out.0.lora_A.weight");
        var wider = LoraConfig.of(3, 4, 0, ATTENTION.targets());
        assertThatThrownBy(() -> Lora.of(Network.UNET, unet.layers(), wider, read))
            .isInstanceOf(WeightsMismatch.class)
            .hasMessageContaining("has shape [2,");
      }
    }
  }

  private Path network() {
    var writer = new SafetensorsWriter();
    writer.add("dense.weight", List.of(2L, 3L), ramp(6));
    writer.add("dense.bias", List.of(2L), ramp(2));
    writer.add("conv.weight", List.of(3L, 2L, 3L, 3L), ramp(54));
    writer.add("conv.bias", List.of(3L), ramp(3));
    Path file = folder.resolve("network.safetensors");
    writer.writeTo(file);
    return file;
  }

  private static LoraState.Matrix matrix(long... shape) {
    long count = 1;
    for (long extent : shape) {
      count *= extent;
    }
    return new LoraState.Matrix(shape, ramp((int) count));
  }

  private static float[] ramp(int n) {
    var values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) Math.sin(1.3 * i + 0.4);
    }
    return values;
  }
}
