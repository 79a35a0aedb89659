package flora.gateway;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.time.ZoneId;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.util.unit.DataSize;

class GatewayPropertiesTest {

  @Test
  void hasDefaults() {
    var properties = bind(Map.of());

    assertThat(properties.instance()).isEqualTo("0");
    assertThat(properties.apiKey().isSet()).isFalse();
    assertThat(properties.maxRequest()).isEqualTo(DataSize.ofMegabytes(1));
    assertThat(properties.reconcile().orphanedAfter()).isEqualTo(Duration.ofSeconds(60));
    assertThat(properties.intake().quiet()).isEqualTo(Duration.ofSeconds(10));
    assertThat(properties.intake().enabled()).isTrue();
    assertThat(properties.stalledAfter()).isEqualTo(Duration.ofSeconds(30));
    assertThat(properties.sync()).isEmpty();
    assertThat(properties.clean().quota()).isNull();
    assertThat(properties.clean().cron()).isEqualTo("0 30 3 * * *");
  }

  @Test
  void takesEveryProperty() {
    var properties =
        bind(
            Map.ofEntries(
                Map.entry("gateway.instance", "b"),
                Map.entry("gateway.api-key", "hush"),
                Map.entry("gateway.max-request", "2MB"),
                Map.entry("gateway.max-upload", "3MB"),
                Map.entry("gateway.max-model", "9GB"),
                Map.entry("gateway.max-streams", "4"),
                Map.entry("gateway.heartbeat", "5s"),
                Map.entry("gateway.stalled-after", "6s"),
                Map.entry("gateway.bucket-notifications", "arn:a"),
                Map.entry("gateway.reconcile.every", "7s"),
                Map.entry("gateway.reconcile.orphaned-after", "8s"),
                Map.entry("gateway.reconcile.scan-every", "9s"),
                Map.entry("gateway.intake.enabled", "false"),
                Map.entry("gateway.intake.every", "10s"),
                Map.entry("gateway.intake.quiet", "11s"),
                Map.entry("gateway.plan-timeout", "14s"),
                Map.entry("gateway.clean.cron", "0 0 4 * * SUN"),
                Map.entry("gateway.clean.zone", "Europe/Berlin"),
                Map.entry("gateway.clean.quota", "500GB"),
                Map.entry("gateway.clean.min-age", "12h"),
                Map.entry("gateway.clean.orphan-age", "13h"),
                Map.entry("gateway.sync[0].repo", "some-one/Model"),
                Map.entry("gateway.sync[0].revision", "v1"),
                Map.entry("gateway.sync[0].cron", "0 0 5 * * *"),
                Map.entry("gateway.sync[0].zone", "Asia/Shanghai"),
                Map.entry("gateway.sync[0].use-mirror", "false"),
                Map.entry("gateway.sync[0].preset", "everything"),
                Map.entry("gateway.sync[0].allow-patterns[0]", "*.json"),
                Map.entry("gateway.bundle.trusted-keys[0]", "abc"),
                Map.entry("gateway.sync[0].ignore-patterns[0]", "*.bin")));

    assertThat(properties)
        .isEqualTo(
            new GatewayProperties(
                "b",
                new GatewayProperties.ApiKey("hush"),
                DataSize.ofMegabytes(2),
                DataSize.ofMegabytes(3),
                DataSize.ofGigabytes(9),
                4,
                Duration.ofSeconds(14),
                Duration.ofSeconds(5),
                Duration.ofSeconds(6),
                "arn:a",
                new GatewayProperties.Reconcile(
                    Duration.ofSeconds(7), Duration.ofSeconds(8), Duration.ofSeconds(9)),
                new GatewayProperties.Intake(false, Duration.ofSeconds(10), Duration.ofSeconds(11)),
                new GatewayProperties.Clean(
                    "0 0 4 * * SUN",
                    ZoneId.of("Europe/Berlin"),
                    DataSize.ofGigabytes(500),
                    Duration.ofHours(12),
                    Duration.ofHours(13)),
                List.of(
                    new GatewayProperties.Sync(
                        "some-one/Model",
                        "v1",
                        "0 0 5 * * *",
                        ZoneId.of("Asia/Shanghai"),
                        "false",
                        "everything",
                        List.of("*.json"),
                        List.of("*.bin"))),
                new GatewayProperties.Bundle(List.of("abc"))));
    assertThat(properties.toString()).doesNotContain("hush");
  }

  @ParameterizedTest
  @CsvSource({
    "gateway.instance,a b",
    "gateway.max-streams,0",
    "gateway.max-request,0B",
    "gateway.heartbeat,0s",
    "gateway.plan-timeout,0s",
    "gateway.reconcile.every,-1s",
    "gateway.intake.quiet,0s",
    "gateway.clean.cron,every night",
    "gateway.clean.min-age,-1h"
  })
  void refusesWhatCannotBe(String name, String value) {
    assertThatThrownBy(() -> bind(Map.of(name, value)))
        .rootCause()
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(name);
  }

  @Test
  void refusesAScheduleThatIsNone() {
    var values = Map.of("gateway.sync[0].repo", "a/b", "gateway.sync[0].cron", "daily");

    assertThatThrownBy(() -> bind(values)).rootCause().hasMessageContaining("gateway.sync[].cron");
    assertThatThrownBy(() -> bind(Map.of("gateway.sync[0].repo", "../b")))
        .rootCause()
        .hasMessageContaining("gateway.sync[].repo");
  }

  private static GatewayProperties bind(Map<String, String> values) {
    return new Binder(new MapConfigurationPropertySource(values))
        .bindOrCreate("gateway", GatewayProperties.class);
  }
}
