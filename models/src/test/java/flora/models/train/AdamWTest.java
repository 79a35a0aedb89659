package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AdamWTest {
  private static final float[] START = {1, -2, 0.5f};
  private static final List<String> NAMES = List.of("w");

  @Test
  void followsTheFormula() {
    try (var scope = new Scope()) {
      NDArray w = Aten.of(START, 3);
      var expected = new double[] {1, -2, 0.5};
      var m = new double[3];
      var v = new double[3];
      try (var optimizer = new AdamW(NAMES, List.of(w), AdamW.Settings.DEFAULT)) {
        for (int t = 1; t <= 3; t++) {
          optimizer.step(List.of(Aten.of(gradient(t), 3)), 1e-2);
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
      try (var first = new AdamW(NAMES, List.of(straight), AdamW.Settings.DEFAULT);
          var second = new AdamW(NAMES, List.of(resumed), AdamW.Settings.DEFAULT)) {
        for (int t = 1; t <= 5; t++) {
          first.step(List.of(Aten.of(gradient(t), 3)), 1e-2);
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
          second.step(List.of(Aten.of(gradient(t), 3)), 1e-2);
        }
      }
      assertThat(resumed.toFloatArray()).isEqualTo(straight.toFloatArray());
    }
  }

  private static float[] gradient(int t) {
    return new float[] {0.3f * t, -1f / t, 0.01f};
  }
}
