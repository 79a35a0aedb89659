package flora.hub;

import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * How to reach a hub.
 *
 * @param endpoint its address, with the path prefix that every URL keeps
 * @param token secret of an account; empty for none
 * @param tokenHosts hosts ({@code name} or {@code name:port}) that may see the token besides the
 *     official one
 * @param connectTimeout for a connection to stand
 * @param readTimeout longest silence of a connection
 * @param proxies which proxy to go through
 * @param caFile PEM file of further authorities to trust
 */
public record HubSettings(
    URI endpoint,
    String token,
    Set<String> tokenHosts,
    Duration connectTimeout,
    Duration readTimeout,
    Proxies proxies,
    @Nullable Path caFile) {

  public HubSettings {
    tokenHosts = Set.copyOf(tokenHosts);
  }

  /** Without token and proxy. */
  public static HubSettings of(URI endpoint) {
    return new HubSettings(
        endpoint,
        "",
        Set.of(),
        Duration.ofSeconds(10),
        Duration.ofSeconds(30),
        new Proxies("", "", ""),
        null);
  }

  @Override
  public String toString() {
    return "HubSettings[endpoint="
        + endpoint
        + ", token="
        + (token.isEmpty() ? "none" : "***")
        + "]";
  }

  /**
   * Values as in the environment; empty for none.
   *
   * @param http {@code HTTP_PROXY}
   * @param https {@code HTTPS_PROXY}
   * @param none {@code NO_PROXY}
   */
  public record Proxies(String http, String https, String none) {

    /** Without the passwords. */
    @Override
    public String toString() {
      return "Proxies[" + (http.isEmpty() && https.isEmpty() ? "none" : "***") + "]";
    }
  }
}
