package flora.hub;

import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import okhttp3.Call;
import okhttp3.ConnectionPool;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;

/**
 * The way to all hubs and mirrors: proxy, trusted authorities, the pool of connections, and for
 * each host the rate that it allows. One for a service; thread-safe.
 */
public final class HubNetwork implements AutoCloseable {

  /** Sixteen connections to each of a handful of places stay open between two files. */
  private static final int IDLE_CONNECTIONS = 16 * 8;

  /** A page that has not begun to come after this time does not come. */
  private static final Duration FIRST_BYTE = Duration.ofSeconds(10);

  private final OkHttpClient files;
  private final OkHttpClient pages;
  private final OkHttpClient quick;
  private final Clock clock;
  private final Map<String, Pacer> pacers = new ConcurrentHashMap<>();

  /** Whoever has not begun to answer after this time is not there. */
  static final Duration LOOK = Duration.ofSeconds(3);

  /** How patient a request is. */
  enum Patience {
    /** Bytes of a file: the read timeout of the settings. */
    FILE,
    /** A page: ten seconds for its first byte. */
    PAGE,
    /** A look whether somebody is there: three seconds until it answers, redirects included. */
    QUICK
  }

  public HubNetwork(HubSettings settings, Clock clock) {
    this.clock = clock;
    var proxies =
        new EnvironmentProxies(
            settings.proxies().http(), settings.proxies().https(), settings.proxies().none());
    var builder =
        new OkHttpClient.Builder()
            .followRedirects(false)
            .followSslRedirects(false)
            // one connection a stream: HTTP/2 would squeeze all files through one
            .protocols(List.of(Protocol.HTTP_1_1))
            .connectionPool(new ConnectionPool(IDLE_CONNECTIONS, 1, TimeUnit.MINUTES))
            .connectTimeout(settings.connectTimeout())
            .readTimeout(settings.readTimeout())
            .writeTimeout(settings.readTimeout())
            .callTimeout(Duration.ZERO)
            .proxySelector(proxies)
            .proxyAuthenticator(proxies.authenticator());
    var caFile = settings.caFile();
    if (caFile != null) {
      var trusted = TrustedCertificates.with(caFile);
      builder.sslSocketFactory(trusted.sockets(), trusted.trust());
    }
    files = builder.build();
    pages = files.newBuilder().readTimeout(shorter(settings.readTimeout(), FIRST_BYTE)).build();
    var three = LOOK;
    quick =
        files
            .newBuilder()
            .connectTimeout(shorter(settings.connectTimeout(), three))
            .readTimeout(shorter(settings.readTimeout(), three))
            .build();
  }

  Clock clock() {
    return clock;
  }

  Call call(Request request, Patience patience) {
    return (switch (patience) {
          case FILE -> files;
          case PAGE -> pages;
          case QUICK -> quick;
        })
        .newCall(request);
  }

  /** Hubs count requests for pages and for files apart. */
  Pacer pacer(HttpUrl url) {
    var path = url.encodedPath();
    var kind = path.contains("/api/") && !path.contains("/resolve-cache/") ? "pages" : "files";
    var key = url.host() + ":" + url.port() + " " + kind;
    return pacers.computeIfAbsent(key, k -> new Pacer(clock));
  }

  private static Duration shorter(Duration one, Duration other) {
    return one.compareTo(other) < 0 ? one : other;
  }

  @Override
  public void close() {
    files.dispatcher().cancelAll();
    files.dispatcher().executorService().shutdown();
    files.connectionPool().evictAll();
  }
}
