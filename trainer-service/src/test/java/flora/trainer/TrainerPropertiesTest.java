package flora.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class TrainerPropertiesTest {

  @Test
  void hasDefaults() {
    assertThat(bind(Map.of()))
        .isEqualTo(
            new TrainerProperties(
                Path.of(".flora/trainer"), 3, DataSize.ofGigabytes(1), DataSize.ofGigabytes(20)));
  }

  @Test
  void takesEveryProperty() {
    var properties =
        bind(
            Map.of(
                "trainer.work-folder", "/var/trainer",
                "trainer.checkpoints-to-keep", "7",
                "trainer.encoding-cache", "64MB",
                "trainer.encoding-store", "0B"));

    assertThat(properties)
        .isEqualTo(
            new TrainerProperties(
                Path.of("/var/trainer"), 7, DataSize.ofMegabytes(64), DataSize.ofBytes(0)));
  }

  @ParameterizedTest
  @CsvSource({
    "trainer.checkpoints-to-keep, 0, expected at least 1",
    "trainer.encoding-cache, 1MB, expected at least 16MB",
    "trainer.encoding-store, -1MB, expected 0 or more"
  })
  void refusesWhatCannotWork(String name, String value, String reason) {
    assertThatThrownBy(() -> bind(Map.of(name, value)))
        .rootCause()
        .hasMessageContaining(name)
        .hasMessageContaining(reason);
  }

  private static TrainerProperties bind(Map<String, ?> properties) {
    return new Binder(new MapConfigurationPropertySource(properties))
        .bindOrCreate("trainer", TrainerProperties.class);
  }
}
