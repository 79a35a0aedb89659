package flora.models.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.models.lora.LoraState.Matrix;
import flora.models.lora.LoraSum.Weighed;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class LoraSumTest {

  private static final int IN = 5;
  private static final int OUT = 3;
  private final Random random = new Random(11);

  private LoraFile adapter(int rank, double alpha, boolean rankStabilized, String... layers) {
    var matrices = new LinkedHashMap<String, Matrix>();
    for (var layer : layers) {
      matrices.put(layer + LoraState.A, new Matrix(new long[] {rank, IN}, values(rank * IN)));
      matrices.put(layer + LoraState.B, new Matrix(new long[] {OUT, rank}, values(OUT * rank)));
    }
    var group = new LoraGroup(List.of(layers), rank, alpha);
    return new LoraFile(
        new LoraConfig(List.of(group), 0, rankStabilized), new LoraState(matrices), Map.of());
  }

  private float[] values(int count) {
    var values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) random.nextGaussian();
    }
    return values;
  }

  /** What an adapter adds to a layer's weight, {@code [out, in]}. */
  private static double[] change(LoraFile file, String layer) {
    var a = file.state().matrices().get(layer + LoraState.A).values();
    var b = file.state().matrices().get(layer + LoraState.B).values();
    int rank = a.length / IN;
    var group =
        file.config().groups().stream()
            .filter(one -> one.targets().contains(layer))
            .findFirst()
            .orElseThrow();
    assertThat(group.rank()).isEqualTo(rank);
    var change = new double[OUT * IN];
    for (int o = 0; o < OUT; o++) {
      for (int i = 0; i < IN; i++) {
        for (int k = 0; k < rank; k++) {
          change[o * IN + i] +=
              file.config().scale(group) * b[o * rank + k] * (double) a[k * IN + i];
        }
      }
    }
    return change;
  }

  @Test
  void changesALayerByWhatAllOfThemChange() {
    var one = adapter(2, 4, false, "both", "one");
    var other = adapter(3, 1, true, "both");

    var sum = LoraSum.of(List.of(new Weighed(one, 0.8), new Weighed(other, -0.5)));

    assertThat(sum.config().targets()).containsExactlyInAnyOrder("both", "one");
    var first = change(one, "both");
    var second = change(other, "both");
    var both = change(sum, "both");
    var alone = change(sum, "one");
    for (int i = 0; i < both.length; i++) {
      assertThat(both[i]).isCloseTo(0.8 * first[i] - 0.5 * second[i], within(1e-5));
      assertThat(alone[i]).isCloseTo(0.8 * change(one, "one")[i], within(1e-5));
    }
  }

  @Test
  void keepsTheShapesOfKernels() {
    var matrices =
        Map.of(
            "c" + LoraState.A, new Matrix(new long[] {2, 4, 3, 3}, values(72)),
            "c" + LoraState.B, new Matrix(new long[] {6, 2, 1, 1}, values(12)));
    var file =
        new LoraFile(LoraConfig.of(2, 2, 0, List.of("c")), new LoraState(matrices), Map.of());

    var sum = LoraSum.of(List.of(new Weighed(file, 1), new Weighed(file, 1)));

    assertThat(sum.state().matrices().get("c" + LoraState.A).shape())
        .containsExactly(4L, 4L, 3L, 3L);
    assertThat(sum.state().matrices().get("c" + LoraState.B).shape())
        .containsExactly(6L, 4L, 1L, 1L);
  }
}
