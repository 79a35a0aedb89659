package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.train.ParameterGroups.Group;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdamWTest {
  private static final float[] START = {1, -2, 0.5f};

  @Test
  void followsTheFormula() {
    try (var scope = new Scope()) {
      NDArray w = Aten.of(START, 3);
      var expected = new double[] {1, -2, 0.5};
      var m = new double[3];
      var v = new double[3];
      try (var optimizer = new AdamW(group(w), AdamW.Settings.DEFAULT)) {
        for (int t = 1; t <= 3; t++) {
          optimizer.step(List.of(Aten.of(gradient(t), 3)), 1);
          for (int i = 0; i < 3; i++) {
            double g = gradient(t)[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            double first = m[i] / (1 - Math.pow(0.9, t));
            double second = v[i] / (1 - Math.pow(0.999, t));
            expected[i] -= 1e-2 * (1e-2 * expected[i] + first / (Math.sqrt(second) + 1e-8));
          }
        }
      }
      for (int i = 0; i < 3; i++) {
        assertThat((double) w.toFloatArray()[i]).isCloseTo(expected[i], within(1e-6));
      }
    }
  }

  @Test
  void continuesFromAFileBitForBit(@TempDir Path folder) {
    try (var scope = new Scope()) {
      NDArray straight = Aten.of(START, 3);
      NDArray resumed = Aten.of(START, 3);
      Path file = folder.resolve("optimizer.safetensors");
      try (var first = new AdamW(group(straight), AdamW.Settings.DEFAULT);
          var second = new AdamW(group(resumed), AdamW.Settings.DEFAULT)) {
        for (int t = 1; t <= 5; t++) {
          first.step(List.of(Aten.of(gradient(t), 3)), 1);
          if (t == 2) {
            var writer = new SafetensorsWriter();
            first.writeTo(writer);
            writer.writeTo(file);
            resumed.set(straight.toFloatArray());
          }
        }
        try (var stored = Checkpoint.open(file)) {
          second.read(stored, 2);
        }
        for (int t = 3; t <= 5; t++) {
          second.step(List.of(Aten.of(gradient(t), 3)), 1);
        }
      }
      assertThat(resumed.toFloatArray()).isEqualTo(straight.toFloatArray());
    }
  }

  @Test
  void everyGroupHasItsOwnRate() {
    try (var scope = new Scope()) {
      NDArray a = Aten.of(START, 3);
      NDArray b = Aten.of(START, 3);
      NDArray alone = Aten.of(START, 3);
      var groups =
          ParameterGroups.of(
              new Group("slow", List.of("w"), List.of(a), 1e-3),
              new Group("fast", List.of("w"), List.of(b), 2e-2));
      assertThat(groups.names()).containsExactly("slow.w", "fast.w");
      try (var both = new AdamW(groups, AdamW.Settings.DEFAULT);
          var one = new AdamW(group(alone), AdamW.Settings.DEFAULT)) {
        for (int t = 1; t <= 3; t++) {
          both.step(List.of(Aten.of(gradient(t), 3), Aten.of(gradient(2 * t), 3)), 0.5);
          one.step(List.of(Aten.of(gradient(2 * t), 3)), 1);
        }
        assertThat(both.steps()).isEqualTo(3);
      }
      // half of 2e-2 is the other's rate
      assertThat(b.toFloatArray()).isEqualTo(alone.toFloatArray());
      assertThat(a.toFloatArray()).isNotEqualTo(START).isNotEqualTo(b.toFloatArray());
    }
  }

  private static ParameterGroups group(NDArray w) {
    return ParameterGroups.of(new Group("all", List.of("w"), List.of(w), 1e-2));
  }

  private static float[] gradient(int t) {
    return new float[] {0.3f * t, -1f / t, 0.01f};
  }
}
