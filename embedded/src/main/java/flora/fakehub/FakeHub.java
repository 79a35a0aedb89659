package flora.fakehub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A Hugging Face-compatible hub on loopback: model info, paged trees, {@code resolve} with its
 * redirects, ranges, gates and error headers. A second port plays the content network that large
 * files are redirected to. {@code huggingface_hub} works against it with {@code HF_ENDPOINT}.
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
      @Nullable String acceptEncoding) {}

  private record Rule(String match, Fault fault, AtomicInteger left) {}

  private final HttpServer server;
  private final HttpServer content;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
  private final String prefix;
  private final Map<String, FakeRepo> repos = new ConcurrentHashMap<>();
  private final Map<String, String> renamed = new ConcurrentHashMap<>();
  private final List<Rule> rules = new CopyOnWriteArrayList<>();
  private final List<Seen> seen = new CopyOnWriteArrayList<>();
  private volatile int pageSize = 1000;

  private FakeHub(int port, String prefix) throws IOException {
    this.prefix = prefix;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    content = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    var pages = new HubPages(this);
    var files = new FileAnswers(this);
    serve(server, false, exchange -> route(exchange, pages, files));
    serve(content, true, files::content);
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

  /**
   * Misbehaves. A {@link Fault.Status} meets requests whose path contains {@code match}, the others
   * meet the bytes of files whose repository path ends with it.
   *
   * @param times how often; {@link Integer#MAX_VALUE} for ever
   */
  public FakeHub fault(String match, Fault fault, int times) {
    rules.add(new Rule(match, fault, new AtomicInteger(times)));
    return this;
  }

  /** Behaves again. */
  public FakeHub behave() {
    rules.clear();
    return this;
  }

  /** Entries on one page of a tree. */
  public FakeHub pageSize(int entries) {
    pageSize = entries;
    return this;
  }

  /** What to set {@code HF_ENDPOINT} to. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + server.getAddress().getPort() + prefix);
  }

  /** Every request so far, in order of arrival. */
  public List<Seen> seen() {
    return List.copyOf(seen);
  }

  /** Forgets the requests so far. */
  public void forget() {
    seen.clear();
  }

  @Override
  public void close() {
    server.stop(0);
    content.stop(0);
    threads.shutdownNow();
  }

  int pageSize() {
    return pageSize;
  }

  URI contentEndpoint() {
    return URI.create("http://127.0.0.1:" + content.getAddress().getPort());
  }

  String prefix() {
    return prefix;
  }

  Optional<FakeRepo> find(FakeRepo.Type type, String id) {
    return Optional.ofNullable(repos.get(type.api + "/" + id));
  }

  Optional<String> renamed(FakeRepo.Type type, String id) {
    return Optional.ofNullable(renamed.get(type.api + "/" + id));
  }

  /** The next fault for a file's bytes, used up by this call. */
  Optional<Fault> faultOf(String path) {
    return take(rule -> !(rule.fault instanceof Fault.Status) && path.endsWith(rule.match));
  }

  /** Whether a file's answers lack their headers for now; uses nothing up. */
  boolean isBare(String path) {
    return rules.stream()
        .anyMatch(
            rule ->
                rule.fault instanceof Fault.BareHeaders
                    && rule.left.get() > 0
                    && path.endsWith(rule.match));
  }

  private Optional<Fault> take(java.util.function.Predicate<Rule> wanted) {
    for (var rule : rules) {
      if (wanted.test(rule) && rule.left.getAndUpdate(n -> Math.max(0, n - 1)) > 0) {
        return Optional.of(rule.fault);
      }
    }
    return Optional.empty();
  }

  private void route(HttpExchange exchange, HubPages pages, FileAnswers files) throws IOException {
    var path = exchange.getRequestURI().getRawPath();
    if (!path.startsWith(prefix + "/")) {
      Answers.error(exchange, 404, null, "no such page");
      return;
    }
    var parts = HubPath.of(path.substring(prefix.length()));
    switch (parts) {
      case HubPath.Api api -> pages.answer(exchange, api);
      case HubPath.Resolve resolve -> files.resolve(exchange, resolve);
      case HubPath.Cached cached -> files.cached(exchange, cached);
      case HubPath.Unknown _ ->
          Answers.error(exchange, 404, null, "Sorry, we can't find the page you are looking for.");
    }
  }

  private interface Handler {
    void handle(HttpExchange exchange) throws IOException;
  }

  private void serve(HttpServer on, boolean onContent, Handler handler) {
    on.setExecutor(threads);
    on.createContext(
        "/",
        exchange -> {
          var headers = exchange.getRequestHeaders();
          var uri = exchange.getRequestURI();
          seen.add(
              new Seen(
                  exchange.getRequestMethod(),
                  uri,
                  onContent,
                  headers.getFirst("Authorization"),
                  headers.getFirst("Range"),
                  headers.getFirst("Accept-Encoding")));
          try (exchange) {
            var fault =
                take(
                    rule ->
                        rule.fault instanceof Fault.Status && uri.getPath().contains(rule.match));
            if (fault.orElse(null) instanceof Fault.Status status) {
              status.headers().forEach(exchange.getResponseHeaders()::set);
              exchange.sendResponseHeaders(status.code(), -1);
            } else {
              handler.handle(exchange);
            }
          } catch (InterruptedWhileSlow e) {
            Thread.currentThread().interrupt();
          }
        });
    on.start();
  }

  /** The hub was stopped while it dawdled. */
  static final class InterruptedWhileSlow extends RuntimeException {
    InterruptedWhileSlow(InterruptedException cause) {
      super(cause);
    }
  }
}
