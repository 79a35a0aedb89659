package flora.hub;

import static org.assertj.core.api.Assertions.assertThat;

import flora.store.Secret;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import okhttp3.HttpUrl;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which host sees whose token. */
class TokenPolicyTest {

  private static HubHttp http(Site site) {
    var network = new HubNetwork(HubSettings.of(Site.OFFICIAL), Clock.systemUTC());
    return new HubHttp(network, site, Duration.ofSeconds(1));
  }

  private static HubHttp hub(String token) {
    var settings = HubSettings.of(Site.OFFICIAL);
    return http(
        Site.origin(
            new HubSettings(
                settings.endpoint(),
                token,
                Set.of("own.example", "other.example:8443"),
                settings.connectTimeout(),
                settings.readTimeout(),
                settings.proxies(),
                null)));
  }

  @ParameterizedTest
  @CsvSource({
    "https://huggingface.co/api/models/a/b, true",
    "http://huggingface.co/api/models/a/b, false",
    "https://own.example/x, true",
    "https://other.example:8443/x, true",
    "https://other.example/x, false",
    "https://huggingface.co.example/x, false",
    "https://cdn-lfs.huggingface.co/x, false",
    "https://mirror.example/x, false",
  })
  void theHubsTokenGoesToTheHubAndToHostsThatAreNamed(String at, boolean isSent) {
    var url = HttpUrl.get(at);
    assertThat(hub("hush").sendsTokenTo(url)).isEqualTo(isSent);
    assertThat(hub("").sendsTokenTo(url)).isFalse();
  }

  @Test
  void aMirrorsTokenStaysAtTheMirrorEvenWhereItLeadsToTheHub() {
    var mirror =
        http(
            new Site(
                "mine",
                Site.Kind.HUGGINGFACE,
                URI.create("https://mirror.example"),
                null,
                null,
                Map.of(),
                new Secret("mirrors"),
                Set.of("mirror.example:443"),
                Site.OFFICIAL,
                Map.of(),
                Map.of()));

    assertThat(mirror.sendsTokenTo(HttpUrl.get("https://mirror.example/x"))).isTrue();
    assertThat(mirror.sendsTokenTo(HttpUrl.get("https://huggingface.co/x"))).isFalse();
    assertThat(mirror.sendsTokenTo(HttpUrl.get("https://mirror.example:444/x"))).isFalse();
  }
}
