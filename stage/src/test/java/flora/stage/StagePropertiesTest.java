package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

class StagePropertiesTest {

  @Test
  void hasDefaults() {
    assertThat(bind(Map.of()))
        .isEqualTo(
            new StageProperties(
                null,
                Duration.ofSeconds(30),
                Duration.ofSeconds(15),
                6,
                Duration.ofSeconds(1),
                Duration.ofMinutes(1),
                Duration.ofSeconds(20)));
  }

  @Test
  void takesWhatIsSet() {
    assertThat(
            bind(
                Map.of(
                    "stage.worker", "trainer-7",
                    "stage.lock", "45s",
                    "stage.lease", "20s",
                    "stage.retries", "2",
                    "stage.first-pause", "3s",
                    "stage.longest-pause", "4s",
                    "stage.grace", "5s")))
        .isEqualTo(
            new StageProperties(
                "trainer-7",
                Duration.ofSeconds(45),
                Duration.ofSeconds(20),
                2,
                Duration.ofSeconds(3),
                Duration.ofSeconds(4),
                Duration.ofSeconds(5)));
  }

  @ParameterizedTest
  @CsvSource({"lock,500ms", "lock,2h", "lease,1ms", "worker,a/b"})
  void rejectsWhatCannotWork(String name, String value) {
    assertThatThrownBy(() -> bind(Map.of("stage." + name, value)))
        .rootCause()
        .hasMessageContaining("stage." + name);
  }

  private static StageProperties bind(Map<String, String> values) {
    return new Binder(new MapConfigurationPropertySource(values))
        .bindOrCreate("stage", StageProperties.class);
  }
}
