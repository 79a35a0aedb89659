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
import flora.models.random.RandomStream;
import flora.models.stablediffusion.UNet;
import flora.models.weights.AdaptableLayer.Geometry.Convolution;
import flora.models.weights.Weights;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoraTest {
  private static final LoraConfig ATTENTION = new LoraConfig(2, 4, 0, List.of("to_q", "to_out.0"));

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
        var lora = Lora.create(unet.layers(), ATTENTION, 7)) {
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
      try (var again = Lora.create(unet.layers(), ATTENTION, 7);
          var other = Lora.create(unet.layers(), ATTENTION, 8)) {
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
      var config = new LoraConfig(1, 3, 0, List.of("dense", "conv"));
      try (var lora = Lora.of(weights.layers(), config, new LoraState(matrices))) {
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
      var config = new LoraConfig(1, 1, 0.5, List.of("dense"));
      try (var lora = Lora.of(weights.layers(), config, new LoraState(matrices))) {
        lora.dropout((layer, shape) -> Aten.of(new float[6], shape.getShape()));
        assertThat(dense.forward(x).toFloatArray()).isEqualTo(plain);
        var stream = RandomStream.of(1, "dropout");
        lora.dropout(Dropout.of(stream, 3, 0.5));
        float[] masked = dense.forward(x).toFloatArray();
        assertThat(dense.forward(x).toFloatArray()).isEqualTo(masked);
        NDArray mask = Dropout.of(stream, 3, 0.5).mask(0, x.getShape());
        for (float factor : mask.toFloatArray()) {
          assertThat(factor).isIn(0f, 2f);
        }
        lora.dropout(null);
        assertThat(dense.forward(x).toFloatArray()).isNotEqualTo(masked);
      }
    }
  }

  @Test
  void stateSurvivesAFileAndMustFit() {
    try (var unet = UNet.open(Golden.ROOT.resolve("models/tiny-sd/unet"));
        var lora = Lora.create(unet.layers(), ATTENTION, 7)) {
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
        var fewer = new LoraConfig(2, 4, 0, List.of("to_q"));
        assertThatThrownBy(() -> Lora.of(unet.layers(), fewer, read))
            .isInstanceOf(WeightsMismatch.class)
            .hasMessageContaining("to_out.0.lora_A.weight");
        var wider = new LoraConfig(3, 4, 0, ATTENTION.targets());
        assertThatThrownBy(() -> Lora.of(unet.layers(), wider, read))
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
