package flora.standalone.parity;

import static org.assertj.core.api.Assertions.assertThat;

import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ComparisonTest {

  @TempDir Path root;

  /** A set of one tensor of 1000 ones with a tolerance of 0.1; returns how far out it was. */
  private double excess(String tensor, String hyper, String entry, Consumer<float[]> change)
      throws IOException {
    Path folder = Files.createDirectories(root.resolve("golden/s"));
    Files.writeString(
        folder.resolve("golden.json"),
        """
        {"hyper":{%s},"tensors":{"%s":{%s}}}"""
            .formatted(hyper, tensor, entry));
    float[] ones = new float[1000];
    java.util.Arrays.fill(ones, 1);
    new SafetensorsWriter()
        .add(tensor, List.of(1000L), ones)
        .writeTo(folder.resolve("golden.safetensors"));
    change.accept(ones);
    try (var set = GoldenSet.open(root, "s")) {
      var comparison = new Comparison(set);
      assertThat(comparison.forgotten()).contains(tensor);
      comparison.tensor(tensor, ones);
      assertThat(comparison.forgotten()).isEmpty();
      return comparison.worst().orElseThrow().excess();
    }
  }

  @Test
  void theLargestDifferenceCounts() throws IOException {
    assertThat(excess("x", "", "\"tol_abs\":0.1", v -> v[3] += 0.05f)).isBetween(0.49, 0.51);
    assertThat(excess("x", "", "\"tol_abs\":0.1", v -> v[3] += 0.2f)).isGreaterThan(1);
  }

  @Test
  void aRelativeToleranceGrowsWithTheValue() throws IOException {
    String entry = "\"tol_abs\":2.0,\"tol_rel\":0.1";

    assertThat(excess("x", "", entry, v -> v[3] += 0.09f)).isLessThan(1);
    assertThat(excess("x", "", entry, v -> v[3] += 0.11f)).isGreaterThan(1);
  }

  @Test
  void aNumberThatIsNoneIsOut() throws IOException {
    assertThat(excess("x", "", "\"tol_abs\":9", v -> v[0] = Float.NaN)).isInfinite();
    assertThat(excess("x", "", "\"tol_abs\":0", v -> {})).isZero();
  }

  @Test
  void ofTrainedWeightsOneInAHundredMayBeOut() throws IOException {
    String entry = "\"tol_abs\":0.01";

    assertThat(excess("final.w", "", entry, v -> change(v, 10, 0.02f))).isLessThanOrEqualTo(1);
    assertThat(excess("step10.w", "", entry, v -> change(v, 11, 0.02f))).isGreaterThan(1);
  }

  @Test
  void ofTrainedWeightsTheDistanceMustBeSmall() throws IOException {
    assertThat(excess("final.w", "", "\"tol_abs\":0.01", v -> change(v, 1, 0.5f)))
        .as("one element of 1000, but 1.6 % away")
        .isGreaterThan(1);
  }

  @Test
  void degenerateWeightsAreJudgedByTheirOwnTolerance() throws IOException {
    String hyper = "\"degenerate\":[\"attn.w\"]";

    assertThat(excess("final.unet.attn.w", hyper, "\"tol_abs\":1", v -> change(v, 900, 0.9f)))
        .isLessThan(1);
  }

  private static void change(float[] values, int count, float by) {
    for (int i = 0; i < count; i++) {
      values[i] += by;
    }
  }
}
