package flora.hub;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.regex.Pattern;
import okhttp3.HttpUrl;
import okhttp3.Response;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A Hugging Face-compatible hub. Thread-safe. Everything throws {@link HubException}; what may pass
 * is tried again by the policy, except {@link #open}, whose caller knows how far it came.
 *
 * <p>Paths and headers are those of {@code huggingface_hub} ({@code hf_api.py}, {@code
 * file_download.py}).
 */
public final class HubClient implements AutoCloseable {

  private static final int LARGEST_PAGE = 64 << 20;
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40,64}");
  private static final Pattern SHA1 = Pattern.compile("[0-9a-f]{40}");
  private static final Pattern NEXT = Pattern.compile("<([^>]*)>\\s*;[^,]*\\brel=\"?next\"?");
  private static final Pattern CONTENT_RANGE = Pattern.compile("bytes (\\d+)-\\d+/(\\d+|\\*)");
  private static final JsonMapper JSON = new JsonMapper();

  private final HubHttp http;
  private final RetryPolicy policy;
  private final Clock clock;

  public HubClient(HubSettings settings, RetryPolicy policy, Clock clock) {
    this.http = new HubHttp(settings);
    this.policy = policy;
    this.clock = clock;
  }

  /** The policy that a caller of {@link #open} should follow as well. */
  public RetryPolicy policy() {
    return policy;
  }

  /** Resolves a revision to its commit and lists all files of that commit. */
  public RepoListing listing(RepoType type, RepoId repo, String revision)
      throws InterruptedException {
    var info = json(api(type, repo, "revision", revision), type, repo, revision).body();
    var commit = info.path("sha").asString("");
    if (!COMMIT.matcher(commit).matches()) {
      throw protocol("its page of " + repo + " names no commit");
    }
    return new RepoListing(type, repo, revision, commit, tree(type, repo, commit));
  }

  /** The only copies that are known: this hub's own. */
  public RepoCopies copies(RepoListing listing) {
    return new RepoCopies() {
      @Override
      public RepoListing listing() {
        return listing;
      }

      @Override
      public List<FileSource> sources(HubFile file) {
        return List.of(new HubSource(HubClient.this, listing, file));
      }
    };
  }

  /** Name of the hub: its host. */
  String host() {
    return http.endpoint().host();
  }

  /**
   * Bytes {@code from} (inclusive) to {@code to} (exclusive) of a file; the caller closes the
   * stream. Not tried again.
   *
   * @throws HubException.Protocol for a page instead of the file, or a file larger than listed
   */
  public FileStream open(RepoListing listing, HubFile file, long from, long to)
      throws InterruptedException {
    boolean whole = from == 0 && to == file.size();
    var range = whole ? null : "bytes=" + from + "-" + (to - 1);
    var answer = http.get(file(listing, file.path()), true, range);
    var response = answer.response();
    boolean handedOver = false;
    try {
      if (!response.isSuccessful()) {
        throw failure(response, listing.type(), listing.repo(), listing.revision(), file.path());
      }
      rejectPage(response, file);
      var stream = new FileStream(answer, total(response), to - from);
      long total = stream.total().orElse(file.size());
      if (total > file.size()) {
        throw new HubException.Protocol(
            stream.host(),
            "%s of %s has %d bytes there, but %d are listed"
                .formatted(file.path(), listing.repo(), total, file.size()));
      }
      long start = start(response);
      if (start > from) {
        throw new HubException.Protocol(stream.host(), "another range than was asked for");
      }
      stream.skip(from - start);
      handedOver = true;
      return stream;
    } finally {
      if (!handedOver) {
        response.close();
      }
    }
  }

  /** A small file in one piece. */
  public byte[] read(RepoListing listing, HubFile file) throws InterruptedException {
    if (file.size() > LARGEST_PAGE) {
      throw protocol("%s has %d bytes: too many".formatted(file.path(), file.size()));
    }
    return again(
        () -> {
          var bytes = new byte[(int) file.size()];
          try (var stream = open(listing, file, 0, file.size())) {
            int at = 0;
            for (int n; at < bytes.length; at += n) {
              n = stream.read(bytes, at, bytes.length - at);
              if (n < 0) {
                throw new HubException.Unreachable(
                    stream.host(),
                    "%s ended after %d of %d bytes".formatted(file.path(), at, bytes.length),
                    null);
              }
            }
          }
          return bytes;
        });
  }

  private List<HubFile> tree(RepoType type, RepoId repo, String commit)
      throws InterruptedException {
    var first =
        api(type, repo, "tree", commit).newBuilder().addQueryParameter("recursive", "true").build();
    var files = new ArrayList<HubFile>();
    var visited = new HashSet<HttpUrl>();
    for (HttpUrl url = first; url != null; ) {
      if (!visited.add(url)) {
        throw protocol("the pages of its tree go round in a circle");
      }
      var page = json(url, type, repo, commit);
      if (!page.body().isArray()) {
        throw protocol("its tree of " + repo + " is no list");
      }
      for (var entry : page.body()) {
        if (entry.path("type").asString("").equals("file")) {
          files.add(hubFile(entry));
        }
      }
      // only the query of the next page's URL counts: behind a prefix or a mirror the rest may be
      // the origin's own address
      var next = page.next() == null ? null : first.resolve(page.next());
      url = next == null ? null : first.newBuilder().encodedQuery(next.encodedQuery()).build();
    }
    files.sort(Comparator.comparing(HubFile::path));
    return files;
  }

  private HubFile hubFile(JsonNode entry) {
    var path = entry.path("path").asString("");
    var lfs = entry.path("lfs");
    var size = entry.path("size").asLong(-1);
    var gitSha1 = entry.path("oid").asString("");
    for (var segment : path.split("/", -1)) {
      if (segment.isEmpty() || segment.equals(".") || segment.equals("..")) {
        throw protocol("its tree holds an impossible path");
      }
    }
    if (size < 0 || !SHA1.matcher(gitSha1).matches()) {
      throw protocol("its tree has no size or git id for " + path);
    }
    if (!lfs.isObject()) {
      return new HubFile(path, size, gitSha1, null);
    }
    try {
      var digest = new Sha256(lfs.path("oid").asString("").replaceFirst("^sha256:", ""));
      return new HubFile(path, lfs.path("size").asLong(size), gitSha1, digest);
    } catch (IllegalArgumentException e) {
      throw protocol("its tree has no SHA-256 for " + path);
    }
  }

  private record Page(JsonNode body, @Nullable String next) {}

  private Page json(HttpUrl url, RepoType type, RepoId repo, String revision)
      throws InterruptedException {
    return again(
        () -> {
          try (var response = http.get(url, false, null).response()) {
            if (!response.isSuccessful()) {
              throw failure(response, type, repo, revision, null);
            }
            var bytes = response.body().byteStream().readNBytes(LARGEST_PAGE + 1);
            if (bytes.length > LARGEST_PAGE) {
              throw protocol("a page of more than 64 MiB");
            }
            var link = NEXT.matcher(String.join(",", response.headers("Link")));
            return new Page(JSON.readTree(bytes), link.find() ? link.group(1) : null);
          } catch (JacksonException e) {
            throw protocol("what should be JSON is not");
          } catch (IOException e) {
            throw HubHttp.unreachable(url.host(), e);
          }
        });
  }

  @FunctionalInterface
  private interface Attempt<T> {
    T make() throws InterruptedException;
  }

  private <T> T again(Attempt<T> attempt) throws InterruptedException {
    for (int failures = 1; ; failures++) {
      try {
        return attempt.make();
      } catch (HubException e) {
        var delay = policy.delay(failures, e);
        if (delay == null) {
          throw e;
        }
        Thread.sleep(delay);
      }
    }
  }

  private HttpUrl api(RepoType type, RepoId repo, String verb, String revision) {
    return http.endpoint()
        .newBuilder()
        .addPathSegment("api")
        .addPathSegment(type.api())
        .addPathSegments(repo.value())
        .addPathSegment(verb)
        .addPathSegment(revision)
        .build();
  }

  private HttpUrl file(RepoListing listing, String path) {
    var url = page(listing.type(), listing.repo()).newBuilder();
    url.addPathSegment("resolve").addPathSegment(listing.commit());
    for (var segment : path.split("/")) {
      url.addPathSegment(segment);
    }
    return url.build();
  }

  private HttpUrl page(RepoType type, RepoId repo) {
    var url = http.endpoint().newBuilder();
    if (!type.prefix().isEmpty()) {
      url.addPathSegment(type.prefix());
    }
    return url.addPathSegments(repo.value()).build();
  }

  /** What an answer that is no success means, by the hub's error headers and the status. */
  private HubException failure(
      Response response, RepoType type, RepoId repo, String revision, @Nullable String path) {
    int status = response.code();
    var url = response.request().url();
    var host = url.host();
    boolean withToken = http.sendsTokenTo(url);
    var message = response.header("X-Error-Message", "");
    switch (response.header("X-Error-Code", "")) {
      case "RevisionNotFound" -> {
        return new HubException.RevisionNotFound(repo, revision);
      }
      case "EntryNotFound" -> {
        return new HubException.EntryNotFound(repo, path == null ? "its tree" : path);
      }
      case "GatedRepo" -> {
        return new HubException.Gated(repo, URI.create(page(type, repo).toString()), withToken);
      }
      case "RepoNotFound" -> {
        return new HubException.RepoNotFound(repo, host, withToken);
      }
      case null, default -> {}
    }
    boolean onHub = host.equals(http.endpoint().host()) && url.port() == http.endpoint().port();
    if (status == 429) {
      return new HubException.RateLimited(host, retryAfter(response));
    }
    if (status == 401 && "Invalid credentials in Authorization header".equals(message)) {
      return new HubException.TokenRefused(repo, host);
    }
    if (onHub && (status == 401 || (status == 404 && path == null))) {
      return new HubException.RepoNotFound(repo, host, withToken);
    }
    if (onHub && status == 404 && path != null) {
      return new HubException.EntryNotFound(repo, path);
    }
    if (status >= 500 || status == 408 || (!onHub && status == 403)) {
      // 403 of a content network: its signed URL has expired, and the next attempt gets a new one
      return new HubException.Unreachable(host, "it answers " + status, null);
    }
    return new HubException.Protocol(host, "it answers " + status + " for " + repo);
  }

  private @Nullable Duration retryAfter(Response response) {
    var value = response.header("Retry-After");
    if (value == null) {
      return null;
    }
    if (value.matches("\\d{1,9}")) {
      return Duration.ofSeconds(Long.parseLong(value));
    }
    try {
      var date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
      var wait = Duration.between(Instant.now(clock), date);
      return wait.isNegative() ? Duration.ZERO : wait;
    } catch (DateTimeParseException e) {
      return null;
    }
  }

  private static void rejectPage(Response response, HubFile file) {
    var type = response.header("Content-Type", "");
    var path = file.path().toLowerCase(Locale.ROOT);
    if (type != null
        && type.startsWith("text/html")
        && !path.endsWith(".html")
        && !path.endsWith(".htm")) {
      throw new HubException.Protocol(
          response.request().url().host(), "an HTML page in place of " + file.path());
    }
  }

  private static long start(Response response) {
    var range = CONTENT_RANGE.matcher(response.header("Content-Range", ""));
    return response.code() == 206 && range.matches() ? Long.parseLong(range.group(1)) : 0;
  }

  private static OptionalLong total(Response response) {
    if (response.code() == 206) {
      var range = CONTENT_RANGE.matcher(response.header("Content-Range", ""));
      return range.matches() && !range.group(2).equals("*")
          ? OptionalLong.of(Long.parseLong(range.group(2)))
          : OptionalLong.empty();
    }
    long length = response.body().contentLength();
    return length < 0 ? OptionalLong.empty() : OptionalLong.of(length);
  }

  private HubException.Protocol protocol(String what) {
    return new HubException.Protocol(http.endpoint().host(), what);
  }

  @Override
  public void close() {
    http.close();
  }
}
