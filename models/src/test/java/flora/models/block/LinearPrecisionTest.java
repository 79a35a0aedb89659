package flora.models.block;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Linear layers in the faster precisions, beside the same layers in fp32. */
class LinearPrecisionTest {
  @TempDir Path folder;

  private final Random random = new Random(7);
  private final TreeMap<String, long[]> shapes = new TreeMap<>();

  @ParameterizedTest
  @CsvSource({"64, 64, 1", "64, 130, 5", "127, 65, 257", "300, 1000, 3", "96, 64, 1030", "7, 3, 2"})
  void packedWeightsGiveWhatPlainOnesGive(int in, int out, int rows) throws Exception {
    tensor("a.weight", out, in);
    tensor("a.bias", out);
    try (var plain = Weights.open(file());
        var packed = Weights.open(file(), Precision.FP32_PACKED);
        var _ = new Scope()) {
      NDArray x = input(rows, in);
      NDArray y = input(rows, out);
      for (boolean hasBias : new boolean[] {true, false}) {
        var expected = new Linear(plain.child("a"), in, out, hasBias);
        var layer = new Linear(packed.child("a"), in, out, hasBias);

        close(layer.forward(x), expected.forward(x), 2e-5);
        close(layer.forwardAdd(x, y), expected.forwardAdd(x, y), 2e-5);
        assertThat(layer.precision()).isEqualTo(Precision.FP32_PACKED);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"64, 64, 1", "64, 130, 5", "127, 65, 257", "300, 1000, 3", "1024, 64, 40"})
  void int8IsWithinTwoPercentOfFp32(int in, int out, int rows) throws Exception {
    tensor("a.weight", out, in);
    tensor("a.bias", out);
    try (var plain = Weights.open(file());
        var int8 = Weights.open(file(), Precision.INT8);
        var _ = new Scope()) {
      NDArray x = input(1, rows, in);
      NDArray y = input(1, rows, out);
      for (boolean hasBias : new boolean[] {true, false}) {
        var expected = new Linear(plain.child("a"), in, out, hasBias);
        var layer = new Linear(int8.child("a"), in, out, hasBias);

        assertThat(distance(layer.forward(x), expected.forward(x))).isBetween(1e-4, 0.02);
        assertThat(distance(layer.forwardAdd(x, y), expected.forwardAdd(x, y))).isLessThan(0.02);
        assertThat(layer.forward(x).getShape()).isEqualTo(expected.forward(x).getShape());
        assertThat(layer.precision()).isEqualTo(Precision.INT8);
      }
    }
  }

  /** With one scale for all of them the small output would be nothing but zeros. */
  @Test
  void int8HasAScaleForEachOutput() throws Exception {
    try (var _ = new Scope()) {
      float[] weight = new float[64 * 64];
      for (int i = 0; i < weight.length; i++) {
        weight[i] = (float) random.nextGaussian() * (i < 64 ? 1e-5f : 10);
      }
      NDArray w = Aten.of(weight, 64, 64);
      NDArray x = input(4, 64);
      float[] expected = Aten.linear(x, w, null).toFloatArray();
      float[] is = Aten.int8Linear(x, Aten.int8Pack(w), "none", null).toFloatArray();

      for (int row = 0; row < 4; row++) {
        assertThat(is[row * 64]).isCloseTo(expected[row * 64], within(3e-6f)).isNotZero();
      }
    }
  }

  @Test
  void anOutputWithoutWeightsIsItsBiasInInt8() {
    try (var _ = new Scope()) {
      NDArray w = Aten.of(new float[64 * 64], 64, 64);
      float[] bias = new float[64];
      bias[3] = 2.5f;

      float[] y =
          Aten.int8Linear(input(1, 64), Aten.int8Pack(w), "none", Aten.of(bias, 64)).toFloatArray();

      assertThat(y).isEqualTo(bias);
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void activationsOnTheWayOutAreThoseBehind(Activation activation) throws Exception {
    tensor("a.weight", 96, 64);
    tensor("a.bias", 96);
    try (var plain = Weights.open(file());
        var packed = Weights.open(file(), Precision.FP32_PACKED);
        var int8 = Weights.open(file(), Precision.INT8);
        var _ = new Scope()) {
      NDArray x = input(9, 64);
      NDArray expected = activation.apply(new Linear(plain.child("a"), 64, 96, true).forward(x));

      for (Weights weights : List.of(plain, packed, int8)) {
        var layer = new Linear(weights.child("a"), 64, 96, true, activation);
        assertThat(distance(layer.forward(x), expected))
            .isLessThan(weights.precision() == Precision.INT8 ? 0.02 : 2e-6);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(Activation.class)
  void aFeedForwardPartIsTheSameInEachPrecision(Activation activation) throws Exception {
    tensor("up.weight", 256, 64);
    tensor("up.bias", 256);
    tensor("down.weight", 64, 256);
    tensor("down.bias", 64);
    try (var plain = Weights.open(file());
        var packed = Weights.open(file(), Precision.FP32_PACKED);
        var int8 = Weights.open(file(), Precision.INT8);
        var _ = new Scope()) {
      NDArray x = input(2, 9, 64);
      NDArray y = input(2, 9, 64);
      var up = new Linear(plain.child("up"), 64, 256, true);
      var down = new Linear(plain.child("down"), 256, 64, true);
      NDArray expected = Aten.add(y, down.forward(activation.apply(up.forward(x))));

      assertThat(feedForward(plain, activation).forward(x, y).toFloatArray())
          .isEqualTo(expected.toFloatArray());
      close(feedForward(packed, activation).forward(x, y), expected, 1e-4);
      assertThat(distance(feedForward(int8, activation).forward(x, y), expected)).isLessThan(0.03);
    }
  }

  private static FeedForward feedForward(Weights weights, Activation activation) {
    return new FeedForward(weights.child("up"), weights.child("down"), 64, 256, activation);
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void fusedLayersAreTheLayersOneAfterTheOther(Precision precision) throws Exception {
    for (String name : List.of("q", "k", "v")) {
      tensor(name + ".weight", 64, 80);
      tensor(name + ".bias", 64);
    }
    try (var plain = Weights.open(file());
        var weights = Weights.open(file(), precision);
        var _ = new Scope()) {
      NDArray x = input(2, 5, 80);
      var parts = List.of(weights.child("q"), weights.child("k"), weights.child("v"));
      var layer = new FusedLinear(parts, 80, 64);

      List<NDArray> is = layer.forward(x);

      assertThat(layer.precision()).isEqualTo(precision);
      assertThat(is).hasSize(3);
      for (int i = 0; i < 3; i++) {
        NDArray expected =
            new Linear(plain.child(List.of("q", "k", "v").get(i)), 80, 64, true).forward(x);
        assertThat(distance(Aten.contiguous(is.get(i)), expected))
            .isLessThan(precision == Precision.INT8 ? 0.02 : 2e-6);
      }
      assertThat(weights.layers()).hasSize(precision == Precision.FP32 ? 3 : 0);
    }
  }

  @Test
  void smallLayersOfAnInt8NetworkStayFp32() throws Exception {
    tensor("a.weight", 31, 64);
    try (var int8 = Weights.open(file(), Precision.INT8)) {
      assertThat(new Linear(int8.child("a"), 64, 31, false).precision())
          .isEqualTo(Precision.FP32_PACKED);
    }
  }

  @Test
  void onlyFp32LayersTakeAdapters() throws Exception {
    tensor("a.weight", 64, 64);
    try (var packed = Weights.open(file(), Precision.FP32_PACKED)) {
      var layer = new Linear(packed.child("a"), 64, 64, false);

      layer.adapt(null);
      assertThatThrownBy(() -> layer.adapt((x, y) -> y))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("a computes in FP32_PACKED")
          .hasMessageContaining("FP32");
    }
  }

  @Test
  void packedWeightsAreFreedWithTheNetwork() throws Exception {
    tensor("a.weight", 64, 64);
    tensor("a.bias", 64);
    tensor("norm", 64);
    int before = Aten.manager().getManagedArrays().size();
    for (Precision precision : Precision.values()) {
      var weights = Weights.open(file(), precision);
      var layer = new Linear(weights.child("a"), 64, 64, true);
      NDArray norm = weights.tensor("norm", 64);
      try (var _ = new Scope()) {
        layer.forward(Aten.add(input(3, 64), norm));
      }
      // fp32: the map, weight, bias, norm; packed: weight, bias, norm; int8: two more for scales
      int held = Aten.manager().getManagedArrays().size() - before;
      assertThat(held).isEqualTo(List.of(4, 3, 5).get(precision.ordinal()));

      weights.close();
      assertThat(Aten.manager().getManagedArrays()).hasSize(before);
    }
  }

  private NDArray input(long... shape) {
    int count = 1;
    for (long side : shape) {
      count *= Math.toIntExact(side);
    }
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return Aten.of(values, shape);
  }

  private static void close(NDArray is, NDArray expected, double limit) {
    assertThat(is.getShape()).isEqualTo(expected.getShape());
    assertThat(is.toFloatArray()).containsExactly(expected.toFloatArray(), within((float) limit));
  }

  /** Relative, in the Euclidean norm. */
  private static double distance(NDArray is, NDArray expected) {
    float[] a = is.toFloatArray();
    float[] b = expected.toFloatArray();
    assertThat(a).hasSameSizeAs(b);
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < a.length; i++) {
      difference += Math.pow(a[i] - b[i], 2);
      norm += Math.pow(b[i], 2);
    }
    return Math.sqrt(difference / norm);
  }

  private void tensor(String name, long... shape) {
    shapes.put(name, shape);
  }

  /** A safetensors file of random weights. */
  private Path file() throws Exception {
    var header = new ArrayList<String>();
    int end = 0;
    for (var each : shapes.entrySet()) {
      int size = 4;
      for (long side : each.getValue()) {
        size *= Math.toIntExact(side);
      }
      header.add(
          "\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
              .formatted(each.getKey(), Arrays.toString(each.getValue()), end, end + size));
      end += size;
    }
    String text = "{" + String.join(",", header) + "}";
    byte[] json = (text + " ".repeat((8 - text.length() % 8) % 8)).getBytes(StandardCharsets.UTF_8);
    var bytes = ByteBuffer.allocate(8 + json.length + end).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(json.length).put(json);
    var fixed = new Random(1);
    while (bytes.hasRemaining()) {
      bytes.putFloat((float) (fixed.nextGaussian() * 0.05));
    }
    return Files.write(folder.resolve("w.safetensors"), bytes.array());
  }
}
