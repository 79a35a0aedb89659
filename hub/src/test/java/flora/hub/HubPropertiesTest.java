package flora.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;
import org.springframework.boot.env.YamlPropertySourceLoader;
import org.springframework.core.env.MapPropertySource;
import org.springframework.core.env.StandardEnvironment;
import org.springframework.core.io.ClassPathResource;

class HubPropertiesTest {

  private static HubProperties bind(Map<String, ?> properties) {
    return new Binder(new MapConfigurationPropertySource(properties))
        .bindOrCreate("hub", HubProperties.class);
  }

  private static HubProperties fromEnvironment(Map<String, Object> variables) throws Exception {
    var environment = new StandardEnvironment();
    var sources = environment.getPropertySources();
    sources.remove(StandardEnvironment.SYSTEM_ENVIRONMENT_PROPERTY_SOURCE_NAME);
    sources.addFirst(new MapPropertySource("variables", new HashMap<>(variables)));
    new YamlPropertySourceLoader()
        .load("hub", new ClassPathResource("flora-hub.yml"))
        .forEach(sources::addLast);
    return Binder.get(environment).bindOrCreate("hub", HubProperties.class);
  }

  @Test
  void reachesTheOfficialHubByDefault() throws Exception {
    var defaults = HubSettings.of(URI.create("https://huggingface.co"));

    assertThat(bind(Map.of()).settings()).isEqualTo(defaults);
    assertThat(fromEnvironment(Map.of()).settings()).isEqualTo(defaults);
    assertThat(
            fromEnvironment(Map.of("HF_ENDPOINT", "", "HF_TOKEN", "", "FLORA_CA_FILE", ""))
                .settings())
        .isEqualTo(defaults);
  }

  @Test
  void takesEveryProperty() {
    var properties =
        bind(
            Map.ofEntries(
                Map.entry("hub.endpoint", "https://hub.example/prefix"),
                Map.entry("hub.token", "hush"),
                Map.entry("hub.token-hosts[0]", "hub.example"),
                Map.entry("hub.connect-timeout", "3s"),
                Map.entry("hub.read-timeout", "4s"),
                Map.entry("hub.http-proxy", "http://a:1"),
                Map.entry("hub.https-proxy", "http://b:2"),
                Map.entry("hub.no-proxy", "c"),
                Map.entry("hub.ca-file", "/ca.pem")));

    assertThat(properties.settings())
        .isEqualTo(
            new HubSettings(
                URI.create("https://hub.example/prefix"),
                "hush",
                Set.of("hub.example"),
                Duration.ofSeconds(3),
                Duration.ofSeconds(4),
                new HubSettings.Proxies("http://a:1", "http://b:2", "c"),
                Path.of("/ca.pem")));
    assertThat(properties.toString() + properties.settings()).doesNotContain("hush", "http://b:2");
  }

  @Test
  void takesTheVariablesThatPeopleKnow() throws Exception {
    var hub =
        fromEnvironment(
                Map.of(
                    "HF_ENDPOINT",
                    "https://hf-mirror.com",
                    "HF_TOKEN",
                    "hush",
                    "https_proxy",
                    "http://proxy:3128",
                    "NO_PROXY",
                    "intern",
                    "FLORA_CA_FILE",
                    "/etc/ca.pem"))
            .settings();

    assertThat(hub.endpoint()).hasToString("https://hf-mirror.com");
    assertThat(hub.token()).isEqualTo("hush");
    assertThat(hub.proxies()).isEqualTo(new HubSettings.Proxies("", "http://proxy:3128", "intern"));
    assertThat(hub.caFile()).isEqualTo(Path.of("/etc/ca.pem"));
  }

  @ParameterizedTest
  @CsvSource({
    "endpoint, ftp://hub.example, HF_ENDPOINT",
    "endpoint, huggingface.co, HF_ENDPOINT",
    "connect-timeout, 0s, connect-timeout",
    "read-timeout, -1s, read-timeout",
  })
  void namesTheValueThatIsWrong(String property, String value, String named) {
    assertThatThrownBy(() -> bind(Map.of("hub." + property, value))).hasStackTraceContaining(named);
  }
}
