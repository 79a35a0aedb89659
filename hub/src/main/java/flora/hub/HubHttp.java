package flora.hub;

import flora.schemas.RepoId;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketTimeoutException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.OptionalLong;
import okhttp3.Call;
import okhttp3.HttpUrl;
import okhttp3.Request;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;

/**
 * Requests to one place, with our own redirects: they keep their query and the endpoint's prefix,
 * never fall from TLS to plain text, and each hop decides anew what its host may see. The token
 * goes to the hosts that may have it, the place's own headers to the place itself.
 */
final class HubHttp {

  private static final int MAX_REDIRECTS = 10;

  /** Who fetches files has other things to do meanwhile than to wait for a turn. */
  private static final Duration FILE_TURN = Duration.ofMillis(200);

  /** Hubs count in windows of five minutes. */
  private static final Duration LONGEST_WINDOW = Duration.ofMinutes(10);

  private final HubNetwork network;
  private final Site site;
  private final Duration longestWait;
  private final HttpUrl endpoint;

  /**
   * @param longestWait a host whose limit asks for more is not waited for
   */
  HubHttp(HubNetwork network, Site site, Duration longestWait) {
    this.network = network;
    this.site = site;
    this.longestWait = longestWait;
    var parsed = HttpUrl.parse(site.endpoint().toString());
    if (parsed == null) {
      throw new IllegalArgumentException(
          "the endpoint of %s is not the URL of a hub: expected http(s)://host[/prefix], got %s"
              .formatted(site.name(), site.endpoint().getScheme() + "://…"));
    }
    endpoint = parsed.newBuilder().query(null).fragment(null).username("").password("").build();
  }

  /** Base of every URL; its path is the prefix. */
  HttpUrl endpoint() {
    return endpoint;
  }

  boolean sendsTokenTo(HttpUrl url) {
    var hosts = site.tokenHosts();
    return !site.token().value().isEmpty()
        && (hosts.contains(url.host()) || hosts.contains(url.host() + ":" + url.port()))
        && (url.isHttps() || !url.host().equals(Site.OFFICIAL.getHost()));
  }

  /** Whether a URL is the place's own, and not one that it redirects to. */
  boolean isOwn(HttpUrl url) {
    return url.host().equals(endpoint.host()) && url.port() == endpoint.port();
  }

  /** Who gave an answer, for messages: the place, and the host where that is another one. */
  String who(HttpUrl url) {
    var host = url.host();
    return site.name().equals(host) || isOwn(url) ? site.name() : site.name() + " (" + host + ")";
  }

  /**
   * What the hops on the way to a file said of it; any of them may.
   *
   * @param size of the whole file
   */
  record Facts(OptionalLong size) {

    private static final Facts NONE = new Facts(OptionalLong.empty());

    private Facts and(Response response) {
      var length = response.header("X-Linked-Size");
      return length != null && length.matches("\\d{1,18}")
          ? new Facts(OptionalLong.of(Long.parseLong(length)))
          : this;
    }
  }

  /** An answer, the call that can be broken off from another thread, what the hops said. */
  record Answer(Call call, Response response, Facts facts) {
    HttpUrl url() {
      return response.request().url();
    }

    @Nullable String header(String name) {
      return response.header(name);
    }
  }

  /** A page, through all redirects; the caller closes the response. */
  Answer page(HttpUrl url, HubNetwork.Patience patience) throws InterruptedException {
    return get(url, patience, false, null);
  }

  /** A file or a range of it, as the host has it, uncompressed; the caller closes the response. */
  Answer file(HttpUrl url, @Nullable String range) throws InterruptedException {
    return get(url, HubNetwork.Patience.FILE, true, range);
  }

  private Answer get(
      HttpUrl url, HubNetwork.Patience patience, boolean identity, @Nullable String range)
      throws InterruptedException {
    var at = url;
    var facts = Facts.NONE;
    var deadline =
        switch (patience) {
          case QUICK -> Deadline.in(HubNetwork.LOOK);
          case PAGE, FILE -> Deadline.NONE;
        };
    for (int hop = 0; hop <= MAX_REDIRECTS; hop++) {
      var call = network.call(request(at, identity, range), patience);
      var response = once(at, call, deadline, patience);
      facts = facts.and(response);
      var location = response.header("Location");
      if (!isRedirect(response.code()) || location == null) {
        return new Answer(call, response, facts);
      }
      response.close();
      at = next(at, location);
    }
    throw new HubException.Protocol(who(at), "more than " + MAX_REDIRECTS + " redirects");
  }

  private static boolean isRedirect(int status) {
    return switch (status) {
      case 301, 302, 303, 307, 308 -> true;
      default -> false;
    };
  }

  private Request request(HttpUrl url, boolean identity, @Nullable String range) {
    var request = new Request.Builder().url(url).header("User-Agent", "flora/1");
    if (isOwn(url) && url.isHttps() == endpoint.isHttps()) {
      site.headers().forEach((name, value) -> request.header(name, value.value()));
    }
    if (identity) {
      request.header("Accept-Encoding", "identity");
    }
    if (range != null) {
      request.header("Range", range);
    }
    if (sendsTokenTo(url)) {
      request.header("Authorization", "Bearer " + site.token().value());
    }
    return request.build();
  }

  private Response once(HttpUrl url, Call call, Deadline deadline, HubNetwork.Patience patience)
      throws InterruptedException {
    var pacer = network.pacer(url);
    boolean isFile = patience == HubNetwork.Patience.FILE;
    var most = isFile && isNear(FILE_TURN, longestWait) ? FILE_TURN : longestWait;
    var turn = pacer.turn(most);
    var wait = turn.delay();
    if (!isNear(wait, most) || deadline.isBefore(wait)) {
      boolean isPaced =
          isFile
              && (isNear(wait, longestWait) || (!turn.isRefused() && isNear(wait, LONGEST_WINDOW)));
      throw new HubException.RateLimited(who(url), wait, isPaced);
    }
    Thread.sleep(wait);
    try {
      var response = deadline.execute(call);
      pacer.learn(response.code(), response::header);
      return response;
    } catch (IOException e) {
      throw unreachable(who(url), url.host(), e);
    }
  }

  private static boolean isNear(Duration wait, Duration most) {
    return wait.compareTo(most) <= 0;
  }

  /** The failure that a status stands for which says nothing of a repository. */
  HubException failure(Answer answer, RepoId repo) {
    int status = answer.response().code();
    var url = answer.url();
    var who = who(url);
    if (status == 429) {
      return new HubException.RateLimited(
          who, RateLimits.retryAfter(answer::header, network.clock()));
    }
    if (status >= 500 || status == 408 || (status == 403 && !isOwn(url))) {
      // 403 of a content network: its signed URL has expired, and the next attempt gets a new one
      return new HubException.Unreachable(who, url.host(), "it answers " + status, null);
    }
    return new HubException.Protocol(who, "it answers " + status + " for " + repo);
  }

  /**
   * The failure that a broken connection stands for, unless it broke because we were told to stop.
   */
  static HubException.Unreachable unreachable(String who, String host, IOException e)
      throws InterruptedException {
    if (Thread.currentThread().isInterrupted()
        || (e instanceof InterruptedIOException
            && !(e instanceof SocketTimeoutException)
            && "interrupted".equals(e.getMessage()))) {
      Thread.interrupted();
      throw new InterruptedException("stopped while talking to " + host);
    }
    var message = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
    // its message is the bare name
    var what = e instanceof UnknownHostException ? "no address is known for " + message : message;
    return new HubException.Unreachable(who, host, what, e);
  }

  private HttpUrl next(HttpUrl from, String location) {
    var to = from.resolve(location);
    if (to == null) {
      throw new HubException.Protocol(who(from), "a redirect to what is no URL");
    }
    if (from.isHttps() && !to.isHttps()) {
      throw new HubException.Protocol(who(from), "a redirect from https to plain http");
    }
    // a hub behind a prefix may not know of it: its own paths get the prefix back
    var prefix = endpoint.encodedPath().replaceFirst("/+$", "");
    boolean own =
        isOwn(to)
            && (location.startsWith("/api/") || location.contains("/resolve/"))
            && location.startsWith("/")
            && !location.startsWith("//");
    return own && !prefix.isEmpty() && !to.encodedPath().startsWith(prefix + "/")
        ? to.newBuilder().encodedPath(prefix + to.encodedPath()).build()
        : to;
  }
}
