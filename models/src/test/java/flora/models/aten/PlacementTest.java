package flora.models.aten;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.models.aten.ComputeDevice.Kind;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlacementTest {

  @ParameterizedTest
  @CsvSource({"cpu,CPU,0,cpu", "cpu:1,CPU,1,cpu:1", "cuda,CUDA,0,cuda:0", "cuda:3,CUDA,3,cuda:3"})
  void readsAndWritesNames(String name, Kind kind, int index, String written) {
    var device = ComputeDevice.parse(name);
    assertThat(device).isEqualTo(new ComputeDevice(kind, index)).hasToString(written);
    assertThat(ComputeDevice.parse(written)).isEqualTo(device);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "gpu", "CPU", "cuda:", "cuda:-1", "cuda:1234", "cpu:0 "})
  void refusesOtherNames(String name) {
    assertThatThrownBy(() -> ComputeDevice.parse(name))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + name + "\" is no device")
        .hasMessageContaining("cuda:0");
  }

  @Test
  void placementsNestAndBelongToTheirThread() {
    var first = new ComputeDevice(Kind.CPU, 1);
    var second = new ComputeDevice(Kind.CPU, 2);
    assertThat(Placement.current()).isEqualTo(ComputeDevice.cpu());
    try (var outer = Placement.on(first)) {
      try (var inner = Placement.on(second)) {
        assertThat(Placement.current()).isEqualTo(second);
        assertThat(CompletableFuture.supplyAsync(Placement::current).join())
            .isEqualTo(ComputeDevice.cpu());
      }
      assertThat(Placement.current()).isEqualTo(first);
    }
    assertThat(Placement.current()).isEqualTo(ComputeDevice.cpu());
  }

  @Test
  void arraysOfTwoProcessorsComputeTogether() {
    var second = new ComputeDevice(Kind.CPU, 1);
    try (var scope = new Scope()) {
      var here = Aten.of(new float[] {1, 2}, 2);
      try (var placement = Placement.on(second)) {
        var there = Aten.of(new float[] {10, 20}, 2);
        assertThat(Aten.add(here, there).toFloatArray()).containsExactly(11, 22);
        assertThat(Aten.to(here, second).toFloatArray()).containsExactly(1, 2);
      }
    }
  }
}
