package flora.models.aten;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Segments.Keep;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class SegmentsTest {
  private static final int SIZE = 8;

  private final NDArray frozen = Scope.release(Aten.of(ramp(SIZE * SIZE, 0.1f), SIZE, SIZE));
  private final List<NDArray> first = List.of(parameter(1, 2, SIZE), parameter(2, SIZE, 2));
  private final List<NDArray> second = List.of(parameter(3, 2, SIZE), parameter(4, SIZE, 2));
  private final List<NDArray> all =
      List.of(first.get(0), first.get(1), second.get(0), second.get(1));
  private final AtomicInteger frozenCalls = new AtomicInteger();
  private final AtomicInteger firstCalls = new AtomicInteger();
  private final AtomicInteger secondCalls = new AtomicInteger();

  @AfterEach
  void free() {
    frozen.close();
    all.forEach(NDArray::close);
  }

  @Test
  void keptAndRecomputedGradientsAreEqualToTheBit() {
    try (var scope = new Scope()) {
      List<float[]> kept = gradients(Segments.keepingAll());
      List<float[]> recomputed = gradients(new Segments(Keep.FIT, 0, () -> {}));
      for (int i = 0; i < all.size(); i++) {
        assertThat(kept.get(i)).isNotEqualTo(new float[kept.get(i).length]);
        assertThat(recomputed.get(i)).as("gradient %d", i).isEqualTo(kept.get(i));
      }
    }
  }

  @Test
  void gradientsAreThoseOfOneGraph() {
    try (var scope = new Scope()) {
      List<float[]> inSegments = gradients(Segments.keepingAll());
      try (var recording = Autograd.record()) {
        NDArray x = sample();
        NDArray h = Aten.silu(Aten.linear(x, frozen, null));
        NDArray loss = loss(adapted(adapted(h, first), second), h);
        List<NDArray> plain = Autograd.gradients(loss, all);
        for (int i = 0; i < all.size(); i++) {
          assertThat(inSegments.get(i)).containsExactly(plain.get(i).toFloatArray(), within(1e-5f));
        }
      }
    }
  }

  @Test
  void onlySegmentsBehindAParameterAreComputedAgain() {
    try (var scope = new Scope()) {
      gradients(new Segments(Keep.FIT, 0, () -> {}));
      assertThat(calls()).containsExactly(1, 2, 2);
      gradients(Segments.keepingAll());
      assertThat(calls()).containsExactly(2, 3, 3);
    }
  }

  @Test
  void segmentsWithSmallInputsAreKept() {
    long bytes = 4L * 16 * SIZE; // what the first adapted segment gets; the second gets twice that
    try (var scope = new Scope()) {
      gradients(new Segments(Keep.FIT, bytes, () -> {}));
      assertThat(calls()).containsExactly(1, 1, 2);
      gradients(new Segments(Keep.FIT, bytes - 1, () -> {}));
      assertThat(calls()).containsExactly(2, 3, 4);
    }
  }

  @Test
  void aParameterOfTwoSegmentsGetsTheSumOfBoth() {
    for (Keep keep : Keep.values()) {
      try (var scope = new Scope();
          var segments = new Segments(keep, 0, () -> {})) {
        var p = Autograd.parameter(Aten.scalar(3));
        int x = segments.input(Aten.scalar(5), false);
        int y = segments.single(List.of(x), List.of(p), v -> Aten.mul(v.getFirst(), p));
        int z = segments.single(List.of(y), List.of(p), v -> Aten.mul(v.getFirst(), p));
        assertThat(segments.value(z).getFloat()).isEqualTo(45);
        assertThat(segments.backward(z, List.of(p)).getFirst().getFloat()).isEqualTo(30);
      }
    }
  }

  @Test
  void inputsMayBeAskedForAndWhatIsWithoutInfluenceHasZeros() {
    try (var scope = new Scope();
        var segments = Segments.keepingAll()) {
      var x = Aten.of(new float[] {3, 4}, 2);
      var unused = Aten.of(new float[] {1, 1}, 2);
      int id = segments.input(x, true);
      segments.input(unused, true);
      int y = segments.single(List.of(id), List.of(), v -> Aten.mul(v.getFirst(), v.getFirst()));
      int sum =
          segments.single(List.of(y, id), List.of(), v -> Aten.sum(Aten.add(v.get(0), v.get(1))));
      var gradients = segments.backward(sum, List.of(unused, x, frozen));
      assertThat(gradients.get(0).toFloatArray()).containsExactly(0, 0);
      assertThat(gradients.get(1).toFloatArray()).containsExactly(7, 9);
      assertThat(gradients.get(2).toFloatArray()).containsOnly(0).hasSize(SIZE * SIZE);
    }
  }

  @Test
  void aSegmentMayHaveResultsThatNobodyUsesOrThatDependOnNothing() {
    for (Keep keep : Keep.values()) {
      try (var scope = new Scope();
          var segments = new Segments(keep, 0, () -> {})) {
        var p = Autograd.parameter(Aten.scalar(2));
        int x = segments.input(Aten.scalar(5), false);
        List<Integer> results =
            segments.run(
                List.of(x),
                List.of(p),
                v ->
                    List.of(
                        Aten.mul(v.getFirst(), p),
                        Aten.mul(v.getFirst(), 7),
                        Aten.mul(v.getFirst(), Aten.mul(p, 100))));
        int sum =
            segments.single(results.subList(0, 2), List.of(), v -> Aten.mul(v.get(0), v.get(1)));
        assertThat(segments.value(sum).getFloat()).isEqualTo(350);
        assertThat(segments.backward(sum, List.of(p)).getFirst().getFloat()).isEqualTo(175);
      }
    }
  }

  @Test
  void nothingStaysBehind() {
    for (Keep keep : Keep.values()) {
      int live = Aten.manager().getManagedArrays().size();
      for (int round = 0; round < 5; round++) {
        try (var scope = new Scope()) {
          gradients(new Segments(keep, 0, () -> {}));
        }
        try (var scope = new Scope();
            var segments = new Segments(keep, 0, () -> {})) {
          int x = segments.input(sample(), false);
          int y = segments.single(List.of(x), first, v -> adapted(v.getFirst(), first));
          assertThatThrownBy(
                  () ->
                      segments.single(
                          List.of(y),
                          second,
                          v -> {
                            adapted(v.getFirst(), second);
                            throw new IllegalArgumentException("no");
                          }))
              .hasMessage("no");
        }
      }
      assertThat(Aten.manager().getManagedArrays()).hasSize(live);
    }
  }

  @Test
  void gradientsBelongToTheCallersScope() {
    NDArray gradient;
    try (var scope = new Scope()) {
      try (var segments = Segments.keepingAll()) {
        int loss = loss(segments);
        gradient = segments.backward(loss, all).getFirst();
      }
      assertThat(gradient.toFloatArray()).isNotEmpty();
    }
    assertThat(gradient.isReleased()).isTrue();
  }

  @Test
  void segmentsAreDifferentiatedOnce() {
    try (var scope = new Scope();
        var segments = Segments.keepingAll()) {
      int loss = loss(segments);
      segments.backward(loss, all);
      assertThatThrownBy(() -> segments.backward(loss, all))
          .isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> segments.value(loss)).isInstanceOf(IllegalStateException.class);
      assertThatThrownBy(() -> segments.input(frozen, false))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void everySegmentIsAnnouncedOnBothWays() {
    var called = new AtomicInteger();
    try (var scope = new Scope();
        var segments = new Segments(Keep.FIT, 0, called::incrementAndGet)) {
      int loss = loss(segments);
      assertThat(called).hasValue(4);
      segments.backward(loss, all);
      assertThat(called).hasValue(8);
    }
  }

  private List<float[]> gradients(Segments segments) {
    try (segments) {
      var values = new ArrayList<float[]>();
      for (NDArray gradient : segments.backward(loss(segments), all)) {
        values.add(gradient.toFloatArray());
      }
      return values;
    }
  }

  /** A frozen segment, two adapted ones of which the second sees both, and the loss. */
  private int loss(Segments segments) {
    int x = segments.input(sample(), false);
    int h =
        segments.single(
            List.of(x),
            List.of(),
            v -> {
              frozenCalls.incrementAndGet();
              return Aten.silu(Aten.linear(v.getFirst(), frozen, null));
            });
    int y =
        segments.single(
            List.of(h),
            first,
            v -> {
              firstCalls.incrementAndGet();
              return Scope.keeping(() -> adapted(v.getFirst(), first));
            });
    int z =
        segments.single(
            List.of(y, h),
            second,
            v -> {
              secondCalls.incrementAndGet();
              return Scope.keeping(() -> loss(adapted(v.get(0), second), v.get(1)));
            });
    return segments.single(List.of(z), List.of(), v -> Aten.mul(v.getFirst(), 1));
  }

  private List<Integer> calls() {
    return List.of(frozenCalls.get(), firstCalls.get(), secondCalls.get());
  }

  private NDArray adapted(NDArray x, List<NDArray> matrices) {
    NDArray y = Aten.lora(Aten.linear(x, frozen, null), x, matrices.get(0), matrices.get(1), 2);
    return Aten.add(Aten.attention(y, y, y, 2, false, null), x);
  }

  private static NDArray loss(NDArray y, NDArray skip) {
    return Aten.mean(Aten.mul(y, Aten.add(y, skip)));
  }

  private static NDArray sample() {
    return Aten.of(ramp(16 * SIZE, 0.2f), 1, 16, SIZE);
  }

  private static NDArray parameter(int number, long... shape) {
    return Autograd.parameter(Scope.release(Aten.of(ramp(2 * SIZE, 0.05f * number), shape)));
  }

  private static float[] ramp(int n, float scale) {
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      values[i] = (float) Math.sin(i * 1.7 + scale) * scale * 8;
    }
    return values;
  }
}
