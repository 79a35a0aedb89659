package flora.fakehub;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face-compatible hub on loopback: model info, paged trees, {@code resolve} with its
 * redirects, ranges, gates and error headers. A second port plays the content network that large
 * files are redirected to. {@code huggingface_hub} works against it with {@code HF_ENDPOINT}. Told
 * so, it is a mirror of another {@link Shape}, slow, limited, behind, or faulty; the same {@link
 * FakeRepo} may be on several.
 *
 * <p>Paths, headers and error codes are those that {@code huggingface_hub} reads and that {@code
 * vtuber-plan/olah} ({@code src/olah/errors.py}) answers with.
 */
public final class FakeHub implements AutoCloseable {

  /** A request that was made, for tests. {@code onContent}: of the content network. */
  public record Seen(
      String method,
      URI uri,
      boolean onContent,
      @Nullable String authorization,
      @Nullable String range,
      @Nullable String acceptEncoding,
      int connection) {}

  /**
   * What one answer sent of a file so far.
   *
   * @param path the file's in its repository
   * @param connection the hub's number of the connection
   * @param from offset of the first byte
   * @param bytes how many
   */
  public record Sent(String path, int connection, long from, long bytes) {}

  private final Clock clock = Clock.systemUTC();
  private final Rules rules = new Rules();
  private final Traffic traffic = new Traffic();
  private final FileBytes bytes = new FileBytes(rules, traffic);
  private final ContentNetwork network = new ContentNetwork(bytes, clock);
  private final HubPages pages = new HubPages(this, rules);
  private final FileAnswers files = new FileAnswers(this, rules, bytes);
  private final PlainFiles plainFiles = new PlainFiles(this, bytes);
  private final ModelScope modelScope = new ModelScope(this, bytes);
  private final AtomicInteger connections = new AtomicInteger();
  private final HttpPort server;
  private final HttpPort content;
  private final String prefix;
  private final Map<String, FakeRepo> repos = new ConcurrentHashMap<>();
  private final Map<String, String> renamed = new ConcurrentHashMap<>();
  private final Map<FakeRepo, String> behind = new ConcurrentHashMap<>();
  private final List<Limiter> limiters = new CopyOnWriteArrayList<>();
  private final List<Seen> seen = new CopyOnWriteArrayList<>();
  private volatile int pageSize = 1000;
  private volatile Throttle throttle = Throttle.NONE;
  private volatile Pace link = new Pace(Long.MAX_VALUE);
  private volatile Shape shape = Shape.HUB;
  private volatile Expiry expiry = Expiry.NEVER;
  private volatile @Nullable Redirects redirects;
  private volatile boolean xet;

  private FakeHub(int port, String prefix) throws IOException {
    this.prefix = prefix;
    server = new HttpPort(port, this::greet, exchange -> serve(exchange, false));
    content = new HttpPort(0, this::greet, exchange -> serve(exchange, true));
  }

  /** Starts an empty hub on a port of the loopback interface, 0 for a free one. */
  public static FakeHub start(int port) {
    return start(port, "");
  }

  /** Starts an empty hub whose every path begins with a prefix such as {@code /hub}. */
  public static FakeHub start(int port, String prefix) {
    try {
      return new FakeHub(port, prefix);
    } catch (IOException e) {
      throw new UncheckedIOException("no hub on port " + port, e);
    }
  }

  /** Serves a folder as the {@code main} branch of a model repository. */
  public FakeHub repo(String id, Path folder) {
    return add(FakeRepo.model(id).folder(folder));
  }

  /** Serves a repository; files that are not committed yet become its {@code main}. */
  public FakeHub add(FakeRepo repo) {
    if (repo.tree("main").isEmpty()) {
      repo.commit("main");
    }
    repos.put(repo.type().api + "/" + repo.id(), repo);
    repo.formerIds().forEach(id -> renamed.put(repo.type().api + "/" + id, repo.id()));
    return this;
  }

  /** Is behind: {@code main} still stands on an older commit, and what came after is unknown. */
  public FakeHub behind(FakeRepo repo, String commit) {
    behind.put(repo, commit);
    return this;
  }

  /** Looks like another kind of mirror. */
  public FakeHub shape(Shape other) {
    shape = other;
    return this;
  }

  /** Is as fast as this from now on; answers that run keep the link that they began on. */
  public FakeHub throttle(Throttle to) {
    link = new Pace(to.link());
    throttle = to;
    return this;
  }

  /** Gives URLs of the content network that are good for so long. */
  public FakeHub expiry(Expiry of) {
    expiry = of;
    return this;
  }

  /**
   * Says of large files that they lie on Xet, as the official hub does; the bridge has them too.
   */
  public FakeHub xet() {
    xet = true;
    return this;
  }

  /** Redirects from {@code resolve} in this way, small files and large ones. */
  public FakeHub redirects(Redirects in) {
    redirects = in;
    return this;
  }

  /** Limits requests; each limit counts apart. */
  public FakeHub limit(RateLimit limit) {
    limiters.add(new Limiter(limit, clock));
    return this;
  }

  /** Misbehaves the first so many times; {@link Integer#MAX_VALUE} for ever. */
  public FakeHub fault(String match, Fault fault, int times) {
    return fault(match, When.times(times), fault);
  }

  /**
   * Misbehaves. The first rule that fires decides about an answer, so the order of calls counts.
   *
   * @param match what the path of the request contains ({@link Fault.OnRequest}) or the path of the
   *     file in its repository ends with (all others)
   * @param when which of these are met
   * @param faults all of one of the four kinds; they are had at once
   */
  public FakeHub fault(String match, When when, Fault... faults) {
    rules.add(match, when, List.of(faults));
    return this;
  }

  /** Has no faults any more. Speed, shape, limits and redirects stay. */
  public FakeHub behave() {
    rules.clear();
    return this;
  }

  /** Refuses connections and breaks those that are open, as if its process had died. */
  public FakeHub die() {
    try {
      server.refuse();
      content.refuse();
    } catch (IOException e) {
      throw new UncheckedIOException("the hub could not die", e);
    }
    return this;
  }

  /** Listens again where it listened before it died. */
  public FakeHub revive() {
    try {
      server.accept();
      content.accept();
    } catch (IOException e) {
      throw new UncheckedIOException("the hub's port was taken meanwhile", e);
    }
    return this;
  }

  /** Entries on one page of a tree. */
  public FakeHub pageSize(int entries) {
    pageSize = entries;
    return this;
  }

  /** What to set {@code HF_ENDPOINT} to; the base of the mirror's URLs in other shapes. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.port() + prefix);
  }

  /** Every request so far, in order of arrival. */
  public List<Seen> seen() {
    return List.copyOf(seen);
  }

  /** Every answer with a file's bytes so far, in order of their beginning. */
  public List<Sent> sent() {
    return traffic.sent();
  }

  /** Bytes sent so far of the files whose path ends with this; {@code ""} for all. */
  public long bytesSent(String path) {
    return sent().stream().filter(s -> s.path().endsWith(path)).mapToLong(Sent::bytes).sum();
  }

  /** The largest number of connections to one of its two ports at the same time. */
  public int mostConnections() {
    return Math.max(server.most(), content.most());
  }

  /** Connections to its two ports that are open now. */
  public int openConnections() {
    return server.open() + content.open();
  }

  /** Forgets the requests, the bytes and the connections so far. */
  public void forget() {
    seen.clear();
    traffic.forget();
    server.resetMost();
    content.resetMost();
  }

  @Override
  public void close() {
    server.close();
    content.close();
  }

  int pageSize() {
    return pageSize;
  }

  String prefix() {
    return prefix;
  }

  Optional<Redirects> redirects() {
    return Optional.ofNullable(redirects);
  }

  boolean isOnXet() {
    return xet;
  }

  boolean isBare(String path) {
    return rules.isBare(path);
  }

  Optional<FakeRepo> find(FakeRepo.Type type, Predicate<FakeRepo> which) {
    return repos.values().stream().filter(r -> r.type() == type).filter(which).findFirst();
  }

  Optional<FakeRepo> find(FakeRepo.Type type, String id) {
    return Optional.ofNullable(repos.get(type.api + "/" + id));
  }

  Optional<String> renamed(FakeRepo.Type type, String id) {
    return Optional.ofNullable(renamed.get(type.api + "/" + id));
  }

  Optional<FakeRepo.Tree> tree(FakeRepo repo, String revision) {
    var old = behind.get(repo);
    if (old == null) {
      return repo.tree(revision);
    }
    var newest = repo.commitOf("main");
    return revision.equals("main")
        ? repo.tree(old)
        : repo.tree(revision).filter(tree -> !tree.commit().equals(newest));
  }

  /** A signed URL of the content network, or of where it is said to be. */
  String sign(@Nullable URI at, String path, Blob blob, Map<String, String> headers) {
    var here = URI.create("http://127.0.0.1:" + content.port());
    var base = at == null ? here : at.getPort() >= 0 ? at : URI.create(at + ":" + content.port());
    return network.sign(base, path, blob, headers, expiry);
  }

  private Connection greet(SocketChannel channel) throws IOException {
    return new Connection(connections.incrementAndGet(), channel, () -> throttle, () -> link);
  }

  private void serve(Exchange exchange, boolean onContent) throws IOException {
    var range = exchange.header("Range");
    seen.add(
        new Seen(
            exchange.method(),
            exchange.uri(),
            onContent,
            exchange.header("Authorization"),
            range,
            exchange.header("Accept-Encoding"),
            exchange.connection().number()));
    for (var fault : rules.onRequest(exchange.uri().getPath(), range != null)) {
      if (ends(exchange, fault)) {
        return;
      }
    }
    if (onContent) {
      network.answer(exchange);
    } else {
      route(exchange);
    }
  }

  /** Whether the fault was the answer. */
  private static boolean ends(Exchange exchange, Fault.OnRequest fault) throws IOException {
    switch (fault) {
      case Fault.Status status -> {
        exchange.answerHeaders().putAll(status.headers());
        exchange.send(status.code());
      }
      case Fault.BlackHole _ -> exchange.connection().stall(Fault.Stall.forEver(0).time());
      case Fault.HangUp _ -> {}
      case Fault.Late late -> {
        Pace.sleep(late.time());
        return false;
      }
      case Fault.MovedTo moved -> {
        var uri = exchange.uri();
        var query = uri.getRawQuery() == null ? "" : "?" + uri.getRawQuery();
        Answers.redirect(exchange, moved.status(), moved.base() + uri.getRawPath() + query);
      }
    }
    return true;
  }

  private void route(Exchange exchange) throws IOException {
    var path = exchange.uri().getRawPath();
    if (!path.startsWith(prefix + "/")) {
      Answers.error(exchange, 404, null, "no such page");
      return;
    }
    switch (shape) {
      case HUB -> hub(exchange, HubPath.of(path.substring(prefix.length())));
      case PLAIN_FILES -> plainFiles.answer(exchange);
      case MODELSCOPE -> modelScope.answer(exchange);
    }
  }

  private void hub(Exchange exchange, HubPath path) throws IOException {
    for (var limiter : limiters) {
      if (limiter.counts(path) && !limiter.admits(exchange)) {
        return;
      }
    }
    switch (path) {
      case HubPath.Api api -> pages.answer(exchange, api);
      case HubPath.Resolve resolve -> files.resolve(exchange, resolve);
      case HubPath.Cached cached -> files.cached(exchange, cached);
      case HubPath.Unknown _ ->
          Answers.error(exchange, 404, null, "Sorry, we can't find the page you are looking for.");
    }
  }
}
