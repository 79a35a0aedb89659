package flora.labeler;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class LabelerPropertiesTest {

  @Test
  void defaults() {
    assertThat(bind(Map.of()))
        .isEqualTo(
            new LabelerProperties(
                8, 2, DataSize.ofMegabytes(64), 89_478_485, 256, Duration.ofSeconds(30)));
  }

  @Test
  void everyPropertyCanBeSet() {
    assertThat(
            bind(
                Map.of(
                    "labeler.batch-size", "16",
                    "labeler.decode-threads", "4",
                    "labeler.max-file-size", "5MB",
                    "labeler.max-pixels", "1000000",
                    "labeler.shard-size", "100",
                    "labeler.shard-claim", "1m")))
        .isEqualTo(
            new LabelerProperties(
                16, 4, DataSize.ofMegabytes(5), 1_000_000, 100, Duration.ofMinutes(1)));
  }

  @ParameterizedTest
  @CsvSource({
    "labeler.batch-size,0",
    "labeler.batch-size,257",
    "labeler.decode-threads,0",
    "labeler.max-file-size,2GB",
    "labeler.max-pixels,0",
    "labeler.shard-size,0",
    "labeler.shard-claim,0s"
  })
  void whatMakesNoSenseIsRefusedByName(String key, String value) {
    assertThatThrownBy(() -> bind(Map.of(key, value)))
        .rootCause()
        .hasMessageContaining(key)
        .hasMessageContaining("must be from 1");
  }

  private static LabelerProperties bind(Map<String, String> values) {
    return new Binder(new MapConfigurationPropertySource(values))
        .bindOrCreate("labeler", LabelerProperties.class);
  }
}
