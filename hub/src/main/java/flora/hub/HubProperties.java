package flora.hub;

import flora.store.Secret;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How to reach the hub and its mirrors.
 *
 * @param endpoint the hub, by default the official one; a path prefix is kept in every URL
 * @param token of an account there; empty for none
 * @param tokenHosts hosts ({@code name} or {@code name:port}) that may see the token besides the
 *     official hub
 * @param connectTimeout for a connection to stand
 * @param readTimeout longest silence of a connection before another one is made
 * @param httpProxy proxy for http, {@code http://[user:password@]host:port}
 * @param httpsProxy proxy for https
 * @param noProxy hosts that are reached without a proxy, separated by commas
 * @param caFile PEM file of certificate authorities to trust besides the platform's
 */
@ConfigurationProperties("hub")
public record HubProperties(
    @Nullable URI endpoint,
    @DefaultValue("") Secret token,
    @DefaultValue List<String> tokenHosts,
    @DefaultValue("10s") Duration connectTimeout,
    @DefaultValue("30s") Duration readTimeout,
    @DefaultValue("") Secret httpProxy,
    @DefaultValue("") Secret httpsProxy,
    @DefaultValue("") String noProxy,
    @Nullable Path caFile) {

  private static final URI OFFICIAL = URI.create("https://huggingface.co");

  public HubProperties {
    if (endpoint != null
        && (endpoint.getHost() == null
            || !("http".equals(endpoint.getScheme()) || "https".equals(endpoint.getScheme())))) {
      throw new IllegalArgumentException(
          "hub.endpoint (HF_ENDPOINT) must be http(s)://host[:port][/prefix], got " + endpoint);
    }
    if (connectTimeout.compareTo(Duration.ofMillis(1)) < 0
        || readTimeout.compareTo(Duration.ofMillis(1)) < 0) {
      throw new IllegalArgumentException(
          "hub.connect-timeout and hub.read-timeout must be positive durations such as 30s");
    }
    tokenHosts = List.copyOf(tokenHosts);
  }

  /** The same for the client; an empty variable of the environment is one that is not set. */
  public HubSettings settings() {
    return new HubSettings(
        endpoint == null ? OFFICIAL : endpoint,
        token.value(),
        Set.copyOf(tokenHosts),
        connectTimeout,
        readTimeout,
        new HubSettings.Proxies(httpProxy.value(), httpsProxy.value(), noProxy),
        caFile == null || caFile.toString().isEmpty() ? null : caFile);
  }
}
