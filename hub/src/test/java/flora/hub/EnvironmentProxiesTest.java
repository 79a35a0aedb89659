package flora.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.Proxy;
import java.net.URI;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class EnvironmentProxiesTest {

  private final EnvironmentProxies proxies =
      new EnvironmentProxies(
          "http://plain:3128",
          "user:p%40ss@secure:8443",
          "intern.example, .corp, only.example:8080 *.star.example");

  @ParameterizedTest
  @CsvSource({
    "https://huggingface.co/x, secure",
    "http://mirror.example/x, plain",
    "https://intern.example/x, ",
    "https://hub.intern.example/x, ",
    "https://notintern.example/x, secure",
    "https://a.corp/x, ",
    "http://only.example:8080/x, ",
    "http://only.example/x, plain",
    "https://a.star.example, ",
    "http://127.0.0.1:9000/x, ",
    "http://localhost:9000/x, ",
  })
  void choosesByHost(URI uri, String proxy) {
    var chosen = proxies.select(uri).getFirst();

    if (proxy == null) {
      assertThat(chosen).isEqualTo(Proxy.NO_PROXY);
    } else {
      assertThat(chosen.address()).asString().startsWith(proxy);
    }
  }

  @Test
  void goesDirectWithoutSettings() {
    assertThat(new EnvironmentProxies("", "", "").select(URI.create("https://huggingface.co")))
        .containsExactly(Proxy.NO_PROXY);
  }

  @Test
  void namesTheVariableThatIsWrongAndNoPassword() {
    assertThatThrownBy(() -> new EnvironmentProxies("socks5://user:hush@host:1", "", ""))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("HTTP_PROXY")
        .message()
        .doesNotContain("hush");
  }
}
