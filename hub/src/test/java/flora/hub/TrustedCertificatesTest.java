package flora.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import flora.schemas.RepoId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Clock;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrustedCertificatesTest {

  @TempDir Path folder;
  private Path pem;
  private HttpsServer server;

  @BeforeEach
  void start() throws Exception {
    var keys = folder.resolve("keys.p12");
    var keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    var process =
        new ProcessBuilder(
                List.of(
                    keytool,
                    "-genkeypair",
                    "-alias",
                    "hub",
                    "-keyalg",
                    "EC",
                    "-dname",
                    "CN=localhost",
                    "-ext",
                    "san=dns:localhost",
                    "-storetype",
                    "PKCS12",
                    "-storepass",
                    "changeit",
                    "-keystore",
                    keys.toString()))
            .inheritIO()
            .start();
    assertThat(process.waitFor()).isZero();
    var store = KeyStore.getInstance(keys.toFile(), "changeit".toCharArray());
    pem = folder.resolve("ca.pem");
    Files.writeString(
        pem,
        "-----BEGIN CERTIFICATE-----\n"
            + Base64.getMimeEncoder().encodeToString(store.getCertificate("hub").getEncoded())
            + "\n-----END CERTIFICATE-----\n");
    var managers = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
    managers.init(store, "changeit".toCharArray());
    var context = SSLContext.getInstance("TLS");
    context.init(managers.getKeyManagers(), null, null);
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.createContext(
        "/",
        exchange -> {
          var body =
              (exchange.getRequestURI().getPath().contains("/tree/")
                      ? "[]"
                      : "{\"sha\": \"" + "a".repeat(40) + "\"}")
                  .getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private RepoListing listing(@Nullable Path caFile) throws InterruptedException {
    var plain = HubSettings.of(URI.create("https://localhost:" + server.getAddress().getPort()));
    var settings =
        new HubSettings(
            plain.endpoint(),
            "",
            Set.of(),
            plain.connectTimeout(),
            plain.readTimeout(),
            plain.proxies(),
            caFile);
    try (var client =
        new HubClient(
            settings, new RetryPolicy(1, Duration.ZERO, Duration.ZERO), Clock.systemUTC())) {
      return client.listing(RepoType.MODEL, new RepoId("a/b"), "main");
    }
  }

  @Test
  void trustsTheAuthorityOfTheFile() throws Exception {
    assertThat(listing(pem).commit()).isEqualTo("a".repeat(40));
    assertThatThrownBy(() -> listing(null)).isInstanceOf(HubException.Unreachable.class);
  }

  @Test
  void namesTheVariableWhoseFileIsNoCertificate() throws Exception {
    var empty = Files.writeString(folder.resolve("empty.pem"), "");

    assertThatThrownBy(() -> TrustedCertificates.with(empty)).hasMessageContaining("FLORA_CA_FILE");
    assertThatThrownBy(() -> TrustedCertificates.with(folder.resolve("none")))
        .hasMessageContaining("FLORA_CA_FILE");
  }
}
