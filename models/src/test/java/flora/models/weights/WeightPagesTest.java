package flora.models.weights;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.tensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class WeightPagesTest {
  private static final int COUNT = 1 << 22;
  private static final long BYTES = 4L * COUNT;

  @TempDir Path folder;

  @Test
  void givesPagesBackAndValuesStay() throws Exception {
    Path file = file();
    try (var weights = Weights.open(file)) {
      var tensor = weights.tensor("w", COUNT);
      float[] before = tensor.toFloatArray();
      var pages = WeightPages.of(weights).orElseThrow();
      assertThat(pages.mappedBytes()).isBetween(BYTES, BYTES + (1 << 20));
      assertThat(residentBytes(file)).isGreaterThan(BYTES / 4 * 3);
      pages.drop();
      assertThat(residentBytes(file)).isLessThan(BYTES / 4);
      assertThat(tensor.toFloatArray()).isEqualTo(before);
      assertThat(residentBytes(file)).isGreaterThan(BYTES / 4 * 3);
    }
  }

  @Test
  void dropsAtEverySoManyCalls() throws Exception {
    Path file = file();
    try (var weights = Weights.open(file);
        var scope = new Scope()) {
      var tensor = weights.tensor("w", COUNT);
      var policy = WeightPages.of(weights).orElseThrow().every(2);
      for (int round = 0; round < 2; round++) {
        Aten.sum(tensor);
        policy.run();
        assertThat(residentBytes(file)).isGreaterThan(BYTES / 4 * 3);
        policy.run();
        assertThat(residentBytes(file)).isLessThan(BYTES / 4);
      }
    }
  }

  @Test
  void closedWeightsHaveNoPages() {
    var weights = Weights.open(file());
    weights.tensor("w", COUNT);
    var pages = WeightPages.of(weights).orElseThrow();
    weights.close();
    assertThatThrownBy(pages::drop)
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("is closed");
    assertThat(WeightPages.of(weights)).isEmpty();
  }

  @Test
  void copiedWeightsHaveNoPages() {
    try (var weights = Weights.open(file(), Precision.FP32_PACKED)) {
      weights.tensor("w", COUNT);
      assertThat(WeightPages.of(weights)).isEmpty();
    }
  }

  @Test
  void aPolicyWithoutCallsIsRefused() {
    try (var weights = Weights.open(file())) {
      weights.tensor("w", COUNT);
      var pages = WeightPages.of(weights).orElseThrow();
      assertThatThrownBy(() -> pages.every(0)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  private Path file() {
    var values = new float[COUNT];
    for (int i = 0; i < COUNT; i++) {
      values[i] = i * 0.5f;
    }
    var writer = new SafetensorsWriter();
    writer.add("w", List.of((long) COUNT), values);
    Path file = folder.resolve("model weights.safetensors");
    writer.writeTo(file);
    return file;
  }

  /** The engine's mapping only: the reader of the header has one of its own, which is shared. */
  private static long residentBytes(Path file) throws IOException {
    boolean isOurs = false;
    long bytes = 0;
    for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
      if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
        isOurs = line.endsWith(file.toRealPath().toString()) && line.split(" ")[1].endsWith("p");
      } else if (isOurs && line.startsWith("Rss:")) {
        bytes += 1024 * Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    return bytes;
  }
}
