package flora.fakehub;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.OutputStream;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Files: {@code resolve}, where it redirects to, and the bytes. */
final class FileAnswers {

  private static final Pattern RANGE = Pattern.compile("bytes=(\\d*)-(\\d*)");

  private record Large(String path, Blob blob) {}

  private record Range(long from, long to) {}

  private final FakeHub hub;
  private final Map<String, Large> large = new ConcurrentHashMap<>();

  FileAnswers(FakeHub hub) {
    this.hub = hub;
  }

  /** Small files redirect within the hub, large ones to the content network. */
  void resolve(HttpExchange exchange, HubPath.Resolve wanted) throws IOException {
    var newId = hub.renamed(wanted.type(), wanted.id());
    if (newId.isPresent()) {
      Answers.redirect(
          exchange, 307, exchange.getRequestURI().getRawPath().replace(wanted.id(), newId.get()));
      return;
    }
    var token = Answers.token(exchange);
    var repo = hub.find(wanted.type(), wanted.id()).orElse(null);
    if (repo == null || !repo.shows(token)) {
      Answers.noSuchRepo(exchange);
      return;
    }
    if (!repo.lets(token)) {
      var message =
          "Access to model "
              + repo.id()
              + (token == null
                  ? " is restricted. You must have access to it and be authenticated to access it."
                  : " is restricted and you are not in the authorized list.");
      Answers.error(exchange, token == null ? 401 : 403, "GatedRepo", message);
      return;
    }
    var tree = repo.tree(wanted.revision()).orElse(null);
    if (tree == null) {
      Answers.error(exchange, 404, "RevisionNotFound", "Invalid rev id: " + wanted.revision());
      return;
    }
    var blob = tree.files().get(wanted.path());
    var headers = exchange.getResponseHeaders();
    boolean bare = hub.isBare(wanted.path());
    if (!bare) {
      headers.set("X-Repo-Commit", tree.commit());
    }
    if (blob == null) {
      Answers.error(exchange, 404, "EntryNotFound", "Entry not found");
      return;
    }
    if (blob.isLarge(wanted.path())) {
      if (!bare) {
        headers.set("X-Linked-Size", Long.toString(blob.size()));
        headers.set("X-Linked-ETag", '"' + blob.sha256() + '"');
      }
      large.put(blob.sha256(), new Large(wanted.path(), blob));
      var name = wanted.path().substring(wanted.path().lastIndexOf('/') + 1);
      Answers.redirect(
          exchange,
          302,
          hub.contentEndpoint()
              + "/cdn/"
              + blob.sha256()
              + "?response-content-disposition="
              + URLEncoder.encode("inline; filename=\"" + name + "\"", StandardCharsets.UTF_8)
              + "&sig="
              + signature(blob));
    } else {
      Answers.redirect(
          exchange,
          307,
          hub.prefix()
              + "/api/resolve-cache/"
              + wanted.type().api
              + "/"
              + repo.id()
              + "/"
              + tree.commit()
              + "/"
              + encoded(wanted.path())
              + "?etag=%22"
              + blob.gitSha1()
              + "%22");
    }
  }

  void cached(HttpExchange exchange, HubPath.Cached wanted) throws IOException {
    var repo = hub.find(wanted.type(), wanted.id()).orElse(null);
    var token = Answers.token(exchange);
    var tree = repo == null ? null : repo.tree(wanted.commit()).orElse(null);
    var blob = tree == null ? null : tree.files().get(wanted.path());
    if (repo == null || blob == null || !repo.shows(token) || !repo.lets(token)) {
      Answers.error(exchange, 404, "EntryNotFound", "Entry not found");
      return;
    }
    if (!hub.isBare(wanted.path())) {
      exchange.getResponseHeaders().set("X-Repo-Commit", wanted.commit());
    }
    bytes(exchange, wanted.path(), blob, blob.gitSha1());
  }

  /** The content network: nothing without the signature from the redirect's query. */
  void content(HttpExchange exchange) throws IOException {
    var uri = exchange.getRequestURI();
    var file = large.get(uri.getPath().replaceFirst("^/cdn/", ""));
    var query = uri.getRawQuery();
    if (file == null || query == null || !query.endsWith("&sig=" + signature(file.blob()))) {
      exchange.sendResponseHeaders(403, -1);
      return;
    }
    bytes(exchange, file.path(), file.blob(), file.blob().sha256());
  }

  private static String signature(Blob blob) {
    return blob.gitSha1().substring(0, 16);
  }

  private static String encoded(String path) {
    return URLEncoder.encode(path, StandardCharsets.UTF_8).replace("+", "%20").replace("%2F", "/");
  }

  private void bytes(HttpExchange exchange, String path, Blob blob, String etag)
      throws IOException {
    boolean head = exchange.getRequestMethod().equals("HEAD");
    var fault = head ? null : hub.faultOf(path).orElse(null);
    var headers = exchange.getResponseHeaders();
    if (fault instanceof Fault.Html) {
      headers.set("Content-Type", "text/html");
      var page = "<!doctype html><title>Please log in</title>".getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, page.length);
      exchange.getResponseBody().write(page);
      return;
    }
    boolean bare = fault instanceof Fault.BareHeaders || (head && hub.isBare(path));
    headers.set("Content-Type", "application/octet-stream");
    if (!bare) {
      headers.set("ETag", '"' + etag + '"');
      headers.set("Accept-Ranges", "bytes");
    }
    var wanted = exchange.getRequestHeaders().getFirst("Range");
    var range = bare ? null : range(wanted, blob.size());
    if (wanted != null && range == null && !bare) {
      headers.set("Content-Range", "bytes */" + blob.size());
      exchange.sendResponseHeaders(416, -1);
      return;
    }
    long from = range == null ? 0 : range.from();
    long to = range == null ? blob.size() : range.to();
    if (fault instanceof Fault.Shortened missing) {
      to = Math.max(from, to - missing.missingBytes());
    }
    if (range != null) {
      headers.set("Content-Range", "bytes " + from + "-" + (to - 1) + "/" + blob.size());
    }
    int status = range == null ? 200 : 206;
    if (head) {
      if (!bare) {
        headers.set("Content-Length", Long.toString(to - from));
      }
      exchange.sendResponseHeaders(status, -1);
      return;
    }
    // 0 means chunked, -1 no body at all
    exchange.sendResponseHeaders(status, bare ? 0 : to == from ? -1 : to - from);
    send(exchange.getResponseBody(), blob, from, to, fault);
  }

  private static void send(OutputStream out, Blob blob, long from, long to, @Nullable Fault fault)
      throws IOException {
    long stop =
        switch (fault) {
          case Fault.Cut cut -> Math.min(to, from + cut.afterBytes());
          case Fault.Stall stall -> Math.min(to, from + stall.afterBytes());
          case null -> to;
          case Fault.Status _, Fault.WrongByte _, Fault.Shortened _ -> to;
          case Fault.Html _, Fault.BareHeaders _, Fault.Slow _ -> to;
        };
    long wrongAt = fault instanceof Fault.WrongByte wrong ? wrong.at() : -1;
    long rate = fault instanceof Fault.Slow slow ? slow.bytesPerSecond() : Long.MAX_VALUE;
    long start = System.nanoTime();
    var buffer = new byte[(int) Math.min(1 << 16, Math.max(1024, rate / 20))];
    try (var in = blob.content().open(from)) {
      for (long at = from; at < stop; ) {
        int n = in.read(buffer, 0, (int) Math.min(buffer.length, stop - at));
        if (n < 0) {
          throw new IOException("a file became shorter while it was served");
        }
        if (at <= wrongAt && wrongAt < at + n) {
          buffer[(int) (wrongAt - at)] ^= 1;
        }
        out.write(buffer, 0, n);
        at += n;
        if (fault instanceof Fault.Slow) {
          out.flush();
          long due = Math.round(1e9 * (at - from) / rate);
          sleep(Duration.ofNanos(Math.max(0, due - (System.nanoTime() - start))));
        }
      }
    }
    out.flush();
    if (fault instanceof Fault.Stall stall) {
      sleep(stall.time());
    }
    if (stop == to) {
      out.close();
    }
  }

  private static void sleep(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      throw new FakeHub.InterruptedWhileSlow(e);
    }
  }

  private static @Nullable Range range(@Nullable String header, long size) {
    if (header == null) {
      return null;
    }
    var match = RANGE.matcher(header);
    if (!match.matches()) {
      return null;
    }
    var first = match.group(1);
    var last = match.group(2);
    if (first.isEmpty()) {
      return last.isEmpty() ? null : new Range(Math.max(0, size - Long.parseLong(last)), size);
    }
    long from = Long.parseLong(first);
    long to = last.isEmpty() ? size : Math.min(size, Long.parseLong(last) + 1);
    return from < to ? new Range(from, to) : null;
  }
}
