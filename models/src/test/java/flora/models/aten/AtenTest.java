package flora.models.aten;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtenTest {
  private static final Offset<Float> CLOSE = within(1e-5f);

  @Test
  void linearWithAndWithoutBias() {
    try (var scope = new Scope()) {
      var x = Aten.of(new float[] {1, 2}, 1, 2);
      var w = Aten.of(new float[] {1, 0, 0, 1, 3, 4}, 3, 2);
      var b = Aten.of(new float[] {10, 20, 30}, 3);
      assertThat(Aten.linear(x, w, null).toFloatArray()).containsExactly(1, 2, 11);
      assertThat(Aten.linear(x, w, b).toFloatArray()).containsExactly(11, 22, 41);
    }
  }

  @Test
  void packedWeightsGoRoundThroughJava() {
    try (var scope = new Scope()) {
      var x = Aten.of(new float[] {1, 2, -1, 0}, 2, 2);
      var w = Aten.of(new float[] {1, 0, 0, 1, 3, 4}, 3, 2);
      var b = Aten.of(new float[] {10, 20, -30}, 3);
      var packed = Aten.packLinear(w);
      assertThat(Aten.packedLinear(x, packed, "none", null).toFloatArray())
          .containsExactly(1, 2, 11, -1, 0, -3);
      assertThat(Aten.packedLinear(x, packed, "relu", b).toFloatArray())
          .containsExactly(11, 22, 0, 9, 20, 0);
      var y = Aten.of(new float[] {1, 1, 1, 2, 2, 2}, 2, 3);
      assertThat(Aten.packedLinearAdd(x, y, packed, b).toFloatArray())
          .containsExactly(12, 23, -18, 11, 22, -31);
      assertThat(y.toFloatArray()).containsExactly(1, 1, 1, 2, 2, 2);
    }
  }

  @Test
  void attentionOfTwoHeadsIsSoftmaxOverEachHeadApart() {
    try (var scope = new Scope()) {
      // one query, two keys; head 0 prefers key 0, head 1 is indifferent
      var q = Aten.of(new float[] {5, 0}, 1, 1, 2);
      var k = Aten.of(new float[] {1, 1, 0, 1}, 1, 2, 2);
      var v = Aten.of(new float[] {1, 1, 0, 0}, 1, 2, 2);
      float p = (float) (1 / (1 + Math.exp(-5)));
      assertThat(Aten.attention(q, k, v, 2, false, null).toFloatArray())
          .containsExactly(new float[] {p, 0.5f}, CLOSE);
    }
  }

  @Test
  void addedMaskHidesKeys() {
    try (var scope = new Scope()) {
      var x = Aten.of(new float[] {1, 2}, 1, 2, 1);
      var mask = Aten.of(new float[] {0, Float.NEGATIVE_INFINITY}, 1, 1, 1, 2);
      assertThat(Aten.attention(x, x, x, 1, false, mask).toFloatArray()).containsExactly(1, 1);
    }
  }

  @Test
  void castsToEveryTypeAndBack() {
    try (var scope = new Scope()) {
      var x = Aten.of(new float[] {1.5f, -2, 0}, 3);
      for (var type :
          List.of(
              DataType.BFLOAT16,
              DataType.FLOAT16,
              DataType.FLOAT64,
              DataType.INT64,
              DataType.INT32,
              DataType.INT8)) {
        var there = Aten.cast(x, type);
        // the engine cannot name a bf16 array's type
        var named = type == DataType.BFLOAT16 ? DataType.UNKNOWN : type;
        assertThat(there.getDataType()).isEqualTo(named);
        float first = type.isInteger() ? 1 : 1.5f;
        assertThat(Aten.cast(there, DataType.FLOAT32).toFloatArray()).containsExactly(first, -2, 0);
      }
    }
  }

  @Test
  void mapsTypedSlicesOfAFileAtEvenAndOddOffsets(@TempDir Path folder) throws Exception {
    var bytes = ByteBuffer.allocate(17).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putFloat(0.25f).putFloat(-8).put((byte) 7).putFloat(3.5f);
    bytes.putShort((short) 0x3fc0).putShort((short) 0xc000); // bf16 1.5, -2 at offset 13
    Path file = Files.write(folder.resolve("weights.bin"), bytes.array());
    try (var scope = new Scope()) {
      var floats = Aten.mapFile(file, DataType.FLOAT32, 4);
      assertThat(Aten.slice(floats, 0, 2, new Shape(2, 1)).toFloatArray())
          .containsExactly(0.25f, -8);
      var raw = Aten.mapFile(file, DataType.UINT8, 17);
      assertThat(Aten.reinterpret(raw, 9, 4, DataType.FLOAT32, new Shape()).toFloatArray())
          .containsExactly(3.5f);
      var half = Aten.reinterpret(raw, 13, 4, DataType.BFLOAT16, new Shape(2));
      assertThat(Aten.cast(half, DataType.FLOAT32).toFloatArray()).containsExactly(1.5f, -2);
    }
  }

  @Test
  void gradientsEqualFiniteDifferences() {
    try (var scope = new Scope()) {
      var x = Aten.of(ramp(2 * 16 * 8, 0.013f), 2, 16, 8);
      var w = Aten.of(ramp(64, 0.07f), 8, 8);
      float[] a = ramp(16, 0.11f);
      var b = Autograd.parameter(Aten.of(ramp(16, 0.05f), 8, 2));
      NDArray gradient;
      try (var recording = Autograd.record()) {
        var parameter = Autograd.parameter(Aten.of(a, 2, 8));
        gradient = Autograd.gradients(loss(x, w, parameter, b), List.of(parameter, b)).getFirst();
      }
      for (int i : new int[] {0, 5, 15}) {
        float[] up = a.clone();
        float[] down = a.clone();
        up[i] += 1e-2f;
        down[i] -= 1e-2f;
        double slope =
            (loss(x, w, Aten.of(up, 2, 8), b).getFloat()
                    - loss(x, w, Aten.of(down, 2, 8), b).getFloat())
                / 2e-2;
        assertThat((double) gradient.toFloatArray()[i]).isCloseTo(slope, within(2e-3));
      }
    }
  }

  @Test
  void parameterWithoutInfluenceHasZeroGradient() {
    try (var scope = new Scope();
        var recording = Autograd.record()) {
      var used = Autograd.parameter(Aten.of(new float[] {3}, 1));
      var unused = Autograd.parameter(Aten.of(new float[] {4}, 1));
      var gradients = Autograd.gradients(Aten.sum(Aten.mul(used, used)), List.of(used, unused));
      assertThat(gradients.get(0).toFloatArray()).containsExactly(6);
      assertThat(gradients.get(1).toFloatArray()).containsExactly(0);
    }
  }

  @Test
  void nothingIsRecordedUnlessAsked() {
    try (var scope = new Scope()) {
      var x = Autograd.parameter(Aten.of(new float[] {3}, 1));
      var y = Aten.mul(x, x);
      assertThatThrownBy(() -> Autograd.gradients(Aten.sum(y), List.of(x)))
          .isInstanceOf(EngineException.class);
    }
  }

  @Test
  void otherThreadsComputeToo() {
    float there =
        CompletableFuture.supplyAsync(
                () -> {
                  try (var scope = new Scope()) {
                    return Aten.add(Aten.scalar(2), Aten.scalar(3)).getFloat();
                  }
                })
            .join();
    assertThat(there).isEqualTo(5);
  }

  @Test
  void columnsConvolveAsTheConvolutionDoesBothWays() {
    try (var scope = new Scope();
        var recording = Autograd.record()) {
      var x = Autograd.parameter(Aten.of(ramp(2 * 3 * 20, 0.1f), 2, 3, 4, 5));
      var w = Aten.of(ramp(4 * 27, 0.05f), 4, 3, 3, 3);
      var b = Aten.of(ramp(4, 0.2f), 4);
      var plain = Aten.conv2d(x, w, b, 1, 1);
      var columns = Aten.conv2dColumns(x, w, b);
      assertThat(columns.getShape()).isEqualTo(plain.getShape());
      assertThat(columns.toFloatArray()).containsExactly(plain.toFloatArray(), CLOSE);
      var expected = Autograd.gradients(Aten.sum(Aten.mul(plain, plain)), List.of(x)).getFirst();
      var actual = Autograd.gradients(Aten.sum(Aten.mul(columns, columns)), List.of(x)).getFirst();
      assertThat(actual.toFloatArray()).containsExactly(expected.toFloatArray(), within(1e-4f));
    }
  }

  @Test
  void gradientsOfSeveralArraysAreSummedByWhatIsAskedOfEach() {
    try (var scope = new Scope();
        var recording = Autograd.record()) {
      var x = Autograd.parameter(Aten.of(new float[] {3, 4}, 2));
      var apart = Autograd.parameter(Aten.of(new float[] {7}, 1));
      var square = Aten.mul(x, x);
      var triple = Aten.mul(x, 3);
      var upstreams = List.of(Aten.of(new float[] {1, 10}, 2), Aten.of(new float[] {100, 0}, 2));
      var gradients = Autograd.gradients(List.of(square, triple), upstreams, List.of(x, apart));
      assertThat(gradients.get(0).toFloatArray()).containsExactly(306, 80);
      assertThat(gradients.get(1).toFloatArray()).containsExactly(0);
    }
  }

  @Test
  void stepsLeaveNoArraysBehind() {
    var w = Scope.release(Aten.of(ramp(64, 0.07f), 8, 8));
    var a = Autograd.parameter(Scope.release(Aten.of(ramp(16, 0.1f), 2, 8)));
    var b = Autograd.parameter(Scope.release(Aten.of(ramp(16, 0.05f), 8, 2)));
    var parameters = List.of(a, b);
    var m = zeros(parameters);
    var v = zeros(parameters);
    var steps = List.of(Aten.scalar(0), Aten.scalar(0));
    int afterTwo = 0;
    for (int step = 1; step <= 20; step++) {
      try (var scope = new Scope();
          var recording = Autograd.record()) {
        var x = Aten.of(ramp(2 * 16 * 8, 0.013f * step), 2, 16, 8);
        var gradients = Autograd.gradients(loss(x, w, a, b), parameters);
        try (var pause = Autograd.pause()) {
          Foreach.clipAll(gradients, 1);
          Foreach.adamW(parameters, gradients, m, v, steps, 1e-3, 0.9, 0.999, 0.01, 1e-8);
        }
      }
      if (step == 2) {
        afterTwo = Aten.manager().getManagedArrays().size();
      }
    }
    assertThat(Aten.manager().getManagedArrays()).hasSize(afterTwo);
    assertThat(steps.getFirst().getFloat()).isEqualTo(20);
    var all = new ArrayList<>(List.of(w, a, b));
    all.addAll(m);
    all.addAll(v);
    all.addAll(steps);
    all.forEach(NDArray::close);
  }

  @Test
  void whatIsKeptBelongsToTheEnclosingScope() {
    NDArray inner;
    NDArray kept;
    try (var outer = new Scope()) {
      try (var scope = new Scope()) {
        inner = Aten.scalar(1);
        kept = scope.keep(Aten.add(inner, 1));
      }
      assertThat(inner.isReleased()).isTrue();
      assertThat(kept.getFloat()).isEqualTo(2);
    }
    assertThat(kept.isReleased()).isTrue();
  }

  private static NDArray loss(NDArray x, NDArray w, NDArray a, NDArray b) {
    var q = Aten.lora(Aten.linear(x, w, null), x, a, b, 2);
    var o = Aten.attention(q, q, q, 2, false, null);
    return Aten.mean(Aten.mul(o, Aten.silu(o)));
  }

  private static List<NDArray> zeros(List<NDArray> like) {
    return like.stream().map(x -> Aten.mul(Aten.detach(x), 0)).toList();
  }

  private static float[] ramp(int n, float scale) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) Math.sin(i * 1.7 + 0.3) * scale * 8;
    }
    return values;
  }

  @Test
  void gradientsDoNotReadJavaMemoryThatTheCollectorHasTaken() {
    int n = 1 << 18;
    float[] twos = new float[n];
    java.util.Arrays.fill(twos, 2f);
    for (int round = 0; round < 5; round++) {
      try (var _ = new Scope();
          var _ = Autograd.record()) {
        var x = Autograd.parameter(Aten.of(new float[n], n));
        NDArray y = Scope.keeping(() -> Aten.sum(Aten.mul(x, Aten.of(twos, n))));
        // the twos are only in the recorded graph now: their handle is closed, their buffer is free
        System.gc();
        for (int i = 0; i < 64; i++) {
          var rubbish = java.nio.ByteBuffer.allocateDirect(4 * n);
          rubbish.asIntBuffer().put(0, 0x7fc00000).put(n - 1, 0x7fc00000);
        }

        var gradient = Autograd.gradients(y, List.of(x)).getFirst().toFloatArray();

        assertThat(gradient).isEqualTo(twos);
      }
    }
  }
}
