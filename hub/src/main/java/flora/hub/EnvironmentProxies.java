package flora.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import okhttp3.Authenticator;
import okhttp3.Credentials;
import org.jspecify.annotations.Nullable;

/**
 * Which proxy a URL goes through, from the values of {@code HTTP_PROXY}, {@code HTTPS_PROXY} and
 * {@code NO_PROXY} as curl reads them. Loopback addresses never go through one.
 */
final class EnvironmentProxies extends ProxySelector {

  private final @Nullable URI http;
  private final @Nullable URI https;
  private final List<String> direct;

  EnvironmentProxies(String httpProxy, String httpsProxy, String noProxy) {
    http = proxy("HTTP_PROXY", httpProxy);
    https = proxy("HTTPS_PROXY", httpsProxy);
    direct =
        Arrays.stream(noProxy.toLowerCase(Locale.ROOT).split("[,\\s]+"))
            .filter(entry -> !entry.isEmpty())
            .toList();
  }

  @Override
  public List<Proxy> select(URI uri) {
    var proxy = "https".equalsIgnoreCase(uri.getScheme()) ? https : http;
    if (proxy == null || isDirect(uri)) {
      return List.of(Proxy.NO_PROXY);
    }
    return List.of(
        new Proxy(
            Proxy.Type.HTTP, InetSocketAddress.createUnresolved(proxy.getHost(), port(proxy))));
  }

  @Override
  public void connectFailed(URI uri, SocketAddress address, IOException e) {
    // the call fails with the same exception; there is no other proxy to turn to
  }

  /** Answers a proxy that asks who we are, with the user and password of its URL. */
  Authenticator authenticator() {
    return (route, response) -> {
      var proxy = response.request().url().isHttps() ? https : http;
      var user = proxy == null ? null : proxy.getRawUserInfo();
      if (user == null || response.request().header("Proxy-Authorization") != null) {
        return null;
      }
      var parts = user.split(":", 2);
      return response
          .request()
          .newBuilder()
          .header(
              "Proxy-Authorization",
              Credentials.basic(decoded(parts[0]), parts.length < 2 ? "" : decoded(parts[1])))
          .build();
    };
  }

  private boolean isDirect(URI uri) {
    var host = Optional.ofNullable(uri.getHost()).orElse("").toLowerCase(Locale.ROOT);
    if (host.equals("localhost") || host.startsWith("127.") || host.equals("[::1]")) {
      return true;
    }
    for (var entry : direct) {
      var name = entry.startsWith("*.") ? entry.substring(1) : entry;
      int colon = name.lastIndexOf(':');
      if (colon > 0 && name.indexOf(':') == colon && !name.endsWith("]")) {
        if (!name.substring(colon + 1).equals(Integer.toString(port(uri)))) {
          continue;
        }
        name = name.substring(0, colon);
      }
      var bare = name.startsWith(".") ? name.substring(1) : name;
      if (name.equals("*") || host.equals(bare) || host.endsWith("." + bare)) {
        return true;
      }
    }
    return false;
  }

  private static @Nullable URI proxy(String variable, String value) {
    if (value.isBlank()) {
      return null;
    }
    try {
      var uri = URI.create(value.contains("://") ? value : "http://" + value);
      if (uri.getHost() != null && "http".equalsIgnoreCase(uri.getScheme())) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // the value may hold a password: said below without it
    }
    throw new IllegalArgumentException(
        variable + " is not the URL of a proxy: expected http://[user:password@]host:port");
  }

  private static int port(URI uri) {
    return uri.getPort() >= 0 ? uri.getPort() : "https".equals(uri.getScheme()) ? 443 : 80;
  }

  private static String decoded(String text) {
    return URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8);
  }
}
