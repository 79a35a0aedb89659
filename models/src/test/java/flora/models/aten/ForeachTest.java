package flora.models.aten;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import java.util.List;
import org.junit.jupiter.api.Test;

class ForeachTest {

  @Test
  void clippingReturnsTheNormAndScalesToTheLimit() {
    try (var scope = new Scope()) {
      var xs = List.of(Aten.of(new float[] {3}, 1), Aten.of(new float[] {4}, 1));
      assertThat(Foreach.clipAll(xs, 10).getFloat()).isEqualTo(5);
      assertThat(xs.get(1).toFloatArray()).containsExactly(4);
      assertThat(Foreach.clipAll(xs, 1).getFloat()).isEqualTo(5);
      assertThat(xs.get(1).toFloatArray()).containsExactly(new float[] {0.8f}, within(1e-5f));
    }
  }

  @Test
  void withoutALimitOnlyTheNormIsTold() {
    try (var scope = new Scope()) {
      var xs = List.of(Aten.of(new float[] {30}, 1), Aten.of(new float[] {40}, 1));
      assertThat(Foreach.clipAll(xs, 0).getFloat()).isEqualTo(50);
      assertThat(xs.get(0).toFloatArray()).containsExactly(30);
      assertThat(xs.get(1).toFloatArray()).containsExactly(40);
    }
  }

  @Test
  void changesEveryArrayInItsPlace() {
    try (var scope = new Scope()) {
      var xs = List.of(Aten.of(new float[] {1, 2}, 2), Aten.of(new float[] {-8}, 1));
      var ys = List.of(Aten.of(new float[] {3, 4}, 2), Aten.of(new float[] {8}, 1));
      Foreach.addAll(xs, ys);
      assertValues(xs, new float[] {4, 6}, new float[] {0});
      Foreach.scaleAll(xs, 0.5);
      assertValues(xs, new float[] {2, 3}, new float[] {0});
      Foreach.lerpAll(xs, ys, 0.25);
      assertValues(xs, new float[] {2.25f, 3.25f}, new float[] {2});
      Foreach.copyAll(xs, ys);
      assertValues(xs, new float[] {3, 4}, new float[] {8});
      assertValues(ys, new float[] {3, 4}, new float[] {8});
    }
  }

  @Test
  void oneValueThatIsNoNumberIsFound() {
    try (var scope = new Scope()) {
      var fine = Aten.of(new float[] {1, -2}, 2);
      assertThat(Foreach.isFinite(List.of(fine, Aten.scalar(3)))).isTrue();
      assertThat(Foreach.isFinite(List.of(fine, Aten.of(new float[] {0, Float.NaN}, 2)))).isFalse();
      assertThat(Foreach.isFinite(List.of(Aten.scalar(Double.NEGATIVE_INFINITY), fine))).isFalse();
    }
  }

  private static void assertValues(List<NDArray> xs, float[] first, float[] second) {
    assertThat(xs.get(0).toFloatArray()).containsExactly(first);
    assertThat(xs.get(1).toFloatArray()).containsExactly(second);
  }
}
