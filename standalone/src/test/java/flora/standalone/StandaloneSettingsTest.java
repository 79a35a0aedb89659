package flora.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class StandaloneSettingsTest {

  @Test
  void servesLoopbackOnTheUsualPortsWhenNothingIsSaid() {
    var settings = StandaloneSettings.of(Map.of());

    assertThat(settings.bind()).isEqualTo("127.0.0.1");
    assertThat(settings.port()).isEqualTo(8080);
    assertThat(settings.kafkaPort()).isEqualTo(9092);
    assertThat(settings.s3Port()).isEqualTo(9000);
    assertThat(settings.data()).isAbsolute().hasFileName(".flora");
    assertThat(settings.kafkaIsLocal()).isTrue();
  }

  @ParameterizedTest
  @CsvSource({
    "FLORA_BIND,FLORA_API_KEY",
    "FLORA_S3_BIND,FLORA_S3_SECRET_KEY",
    "FLORA_KAFKA_BIND,FLORA_KAFKA_PASSWORD"
  })
  void refusesToOpenItselfToOthersWithoutASecret(String bind, String remedy) {
    assertThatThrownBy(() -> StandaloneSettings.of(Map.of(bind, "0.0.0.0")))
        .isInstanceOf(InvalidSetting.class)
        .hasMessageContaining(bind)
        .hasMessageContaining(remedy);
  }

  @Test
  void opensItselfWhenEveryDoorHasItsKey() {
    var settings =
        StandaloneSettings.of(
            Map.of(
                "FLORA_BIND", "0.0.0.0",
                "FLORA_API_KEY", "k",
                "FLORA_S3_BIND", "0.0.0.0",
                "FLORA_S3_SECRET_KEY", "another-secret",
                "FLORA_KAFKA_BIND", "0.0.0.0",
                "FLORA_KAFKA_USER", "me",
                "FLORA_KAFKA_PASSWORD", "p"));

    assertThat(settings.kafkaIsLocal()).isFalse();
    assertThat(settings.toString()).doesNotContain("another-secret");
  }

  @ParameterizedTest
  @ValueSource(strings = {"-1", "65536", "http", "80 80"})
  void refusesWhatIsNoPort(String port) {
    assertThatThrownBy(() -> StandaloneSettings.of(Map.of("FLORA_PORT", port)))
        .hasMessageContaining("FLORA_PORT=" + port)
        .hasMessageContaining("0 (a free one) to 65535");
  }
}
