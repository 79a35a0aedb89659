package flora.hub;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import okhttp3.Call;
import okhttp3.HttpUrl;
import okhttp3.OkHttpClient;
import okhttp3.Protocol;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Requests with our own redirects: they keep their query and the endpoint's prefix, never fall from
 * TLS to plain text, and each hop decides anew whether its host may see the token.
 */
final class HubHttp implements AutoCloseable {

  private static final String OFFICIAL_HOST = "huggingface.co";
  private static final int MAX_REDIRECTS = 10;

  private final HubSettings settings;
  private final HttpUrl endpoint;
  private final OkHttpClient client;

  HubHttp(HubSettings settings) {
    this.settings = settings;
    var parsed = HttpUrl.parse(settings.endpoint().toString());
    if (parsed == null) {
      throw new IllegalArgumentException(
          "HF_ENDPOINT is not the URL of a hub: expected http(s)://host[/prefix], got "
              + settings.endpoint());
    }
    endpoint = parsed.newBuilder().query(null).fragment(null).username("").password("").build();
    var proxies =
        new EnvironmentProxies(
            settings.proxies().http(), settings.proxies().https(), settings.proxies().none());
    var builder =
        new OkHttpClient.Builder()
            .followRedirects(false)
            .followSslRedirects(false)
            // one connection a stream: HTTP/2 would squeeze all files through one
            .protocols(List.of(Protocol.HTTP_1_1))
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
    client = builder.build();
  }

  /** Base of every URL; its path is the prefix. */
  HttpUrl endpoint() {
    return endpoint;
  }

  boolean sendsTokenTo(HttpUrl url) {
    return !settings.token().isEmpty()
        && ((url.isHttps() && url.host().equals(OFFICIAL_HOST))
            || settings.tokenHosts().contains(url.host())
            || settings.tokenHosts().contains(url.host() + ":" + url.port()));
  }

  /** An answer, and the call that can be broken off from another thread. */
  record Answer(Call call, Response response) {}

  /** Follows redirects to the last answer; the caller closes its response. */
  Answer get(HttpUrl url, boolean identity, @Nullable String range)
      throws HubException, InterruptedException {
    var at = url;
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      var answer = once(at, identity, range);
      var response = answer.response();
      var location = response.header("Location");
      if (response.code() < 300 || response.code() >= 400 || location == null) {
        return answer;
      }
      response.close();
      at = next(at, location);
    }
    throw new HubException.Protocol(url.host(), "more than " + MAX_REDIRECTS + " redirects");
  }

  private Answer once(HttpUrl url, boolean identity, @Nullable String range)
      throws InterruptedException {
    var request = new Request.Builder().url(url).header("User-Agent", "flora/1");
    if (identity) {
      request.header("Accept-Encoding", "identity");
    }
    if (range != null) {
      request.header("Range", range);
    }
    if (sendsTokenTo(url)) {
      request.header("Authorization", "Bearer " + settings.token());
    }
    try {
      var call = client.newCall(request.build());
      return new Answer(call, call.execute());
    } catch (IOException e) {
      throw unreachable(url.host(), e);
    }
  }

  /**
   * The failure that a broken connection stands for, unless it broke because we were told to stop.
   */
  static HubException.Unreachable unreachable(String host, IOException e)
      throws InterruptedException {
    if (Thread.currentThread().isInterrupted()
        || (e instanceof InterruptedIOException
            && !(e instanceof SocketTimeoutException)
            && "interrupted".equals(e.getMessage()))) {
      Thread.interrupted();
      throw new InterruptedException("stopped while talking to " + host);
    }
    var what = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    return new HubException.Unreachable(host, what, e);
  }

  private HttpUrl next(HttpUrl from, String location) {
    var to = from.resolve(location);
    if (to == null) {
      throw new HubException.Protocol(from.host(), "a redirect to what is no URL");
    }
    if (from.isHttps() && !to.isHttps()) {
      throw new HubException.Protocol(from.host(), "a redirect from https to plain http");
    }
    // a hub behind a prefix may not know of it: its own paths get the prefix back
    var prefix = endpoint.encodedPath().replaceFirst("/+$", "");
    boolean own =
        to.host().equals(endpoint.host())
            && to.port() == endpoint.port()
            && (location.startsWith("/api/") || location.contains("/resolve/"))
            && location.startsWith("/")
            && !location.startsWith("//");
    return own && !prefix.isEmpty() && !to.encodedPath().startsWith(prefix + "/")
        ? to.newBuilder().encodedPath(prefix + to.encodedPath()).build()
        : to;
  }

  @Override
  public void close() {
    client.dispatcher().executorService().shutdown();
    client.connectionPool().evictAll();
  }
}
