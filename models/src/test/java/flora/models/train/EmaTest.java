package flora.models.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import ai.djl.ndarray.NDArray;
import flora.models.Golden;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.lora.LoraState;
import flora.models.train.ParameterGroups.Group;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;

class EmaTest {
  private static final float[] START = {1, -2, 0.5f};

  @Test
  void movesAsThePeersDoes() {
    for (JsonNode expected : Golden.json(DenoisingLossTest.EXPECTED).get("averages")) {
      try (var scope = new Scope()) {
        NDArray w = Aten.of(START, 3);
        try (var ema = new Ema(groups(w), expected.get("decay").doubleValue())) {
          for (int step = 1; step <= 12; step++) {
            w.set(weights(step));
            ema.update(step);
            float[] average = average(ema, w);
            for (int i = 0; i < 3; i++) {
              assertThat((double) average[i])
                  .as("step %d", step)
                  .isCloseTo(
                      expected.get("after").get(3 * (step - 1) + i).doubleValue(), within(2e-6));
            }
          }
        }
      }
    }
  }

  @Test
  void standsInThePlaceOfTheParametersForAWhile() {
    try (var scope = new Scope()) {
      NDArray w = Aten.of(START, 3);
      try (var ema = new Ema(groups(w), 0.99)) {
        w.set(weights(1));
        ema.update(1);
        w.set(weights(2));
        ema.update(2);
        try (var _ = ema.swapIn()) {
          assertThat(w.toFloatArray()).isEqualTo(average(ema, w)).isNotEqualTo(weights(2));
        }
        assertThat(w.toFloatArray()).isEqualTo(weights(2));
      }
    }
  }

  @Test
  void continuesFromAFileBitForBit(@TempDir Path folder) {
    try (var scope = new Scope()) {
      NDArray w = Aten.of(START, 3);
      Path file = folder.resolve("ema.safetensors");
      try (var straight = new Ema(groups(w), 0.99);
          var resumed = new Ema(groups(w), 0.99)) {
        for (int step = 1; step <= 6; step++) {
          w.set(weights(step));
          straight.update(step);
          if (step == 3) {
            var writer = new SafetensorsWriter();
            straight.writeTo(writer);
            writer.writeTo(file);
            try (var stored = Checkpoint.open(file)) {
              assertThat(stored.names()).containsExactly("ema.unet.w");
              resumed.read(stored);
            }
          } else if (step > 3) {
            resumed.update(step);
          }
        }
        assertThat(average(resumed, w)).isEqualTo(average(straight, w));
      }
    }
  }

  private static ParameterGroups groups(NDArray w) {
    return ParameterGroups.of(new Group("unet", List.of("w"), List.of(w), 1));
  }

  private static float[] average(Ema ema, NDArray w) {
    LoraState state = ema.state(groups(w).groups().getFirst());
    return state.matrices().get("w").values();
  }

  private static float[] weights(int step) {
    var values = new float[3];
    for (int i = 0; i < 3; i++) {
      values[i] = START[i] + (float) Math.sin(1.1 * i + 0.7 * step);
    }
    return values;
  }
}
