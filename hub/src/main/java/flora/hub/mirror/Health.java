package flora.hub.mirror;

import flora.hub.HubException;
import flora.hub.RepoType;
import flora.schemas.RepoId;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * How one place does: its pages and its files apart, since a mirror may answer and yet lead to data
 * that nobody reaches. In the memory of one service. Thread-safe.
 */
final class Health {

  private static final int SAMPLES = 64;
  private static final int REPOSITORIES = 200;

  /** What was behind longer ago and was not looked at again says nothing. */
  private static final Duration LAG_IS_NEWS = Duration.ofHours(1);

  /** Less than this is too little to tell a rate by. */
  private static final long MEANINGFUL_BYTES = 64 << 10;

  /** Files from about this size on are had from where the data is. */
  private static final long SMALL_FILE_BYTES = 1 << 20;

  /**
   * How a repository's commit compares with the hub's: the same at {@code seen}, or another one at
   * each look from {@code since} to {@code seen}.
   */
  private record Comparison(boolean agrees, Instant since, Instant seen) {
    long lagSeconds() {
      return agrees ? 0 : Math.max(1, Duration.between(since, seen).toSeconds());
    }
  }

  private final Clock clock;
  private final String host;
  private final Breaker pages;
  private final Breaker files;
  private final long[] latencies = new long[SAMPLES];
  private int measured;
  private double bytesPerSecond;
  private Duration listedIn = Duration.ofDays(1);
  private @Nullable String lostHost;
  private final Map<String, Comparison> comparisons = new LinkedHashMap<>();

  private Health(Clock clock, String host, Breaker pages, Breaker files) {
    this.clock = clock;
    this.host = host;
    this.pages = pages;
    this.files = files;
  }

  /** Of a mirror: three failures in a row, then a quarter of a minute and more. */
  static Health ofMirror(Clock clock, String host) {
    return new Health(
        clock,
        host,
        new Breaker(clock, 3, Duration.ofSeconds(15), Duration.ofMinutes(10)),
        new Breaker(clock, 3, Duration.ofSeconds(15), Duration.ofMinutes(10)));
  }

  /** Of the hub: one failure, then a minute. */
  static Health ofOrigin(Clock clock, String host) {
    var minute = Duration.ofMinutes(1);
    return new Health(
        clock,
        host,
        new Breaker(clock, 1, minute, minute),
        new Breaker(clock, 3, Duration.ofSeconds(15), minute));
  }

  Breaker pages() {
    return pages;
  }

  Breaker files() {
    return files;
  }

  /** A list came, in so much time. */
  synchronized void listed(Duration time) {
    listedIn = time;
    pages.succeeded();
  }

  /** A short answer came, in so much time. */
  synchronized void answered(Duration latency) {
    latencies[measured % SAMPLES] = latency.toNanos();
    measured++;
    pages.succeeded();
  }

  /** It did not answer with a page, or not with the one that was asked for. */
  void pageFailed(HubException e) {
    count(pages, e);
  }

  /**
   * Bytes came over one connection. Where its data leads elsewhere a mirror sends small files
   * itself all the same, which says nothing of the others.
   *
   * @param sender the host that sent them
   */
  synchronized void moved(String sender, long bytes, Duration time) {
    if (lostHost != null && sender.equals(host) && bytes < SMALL_FILE_BYTES) {
      return;
    }
    files.succeeded();
    lostHost = null;
    double seconds = time.toNanos() / 1e9;
    if (bytes >= MEANINGFUL_BYTES && seconds > 0) {
      double rate = bytes / seconds;
      bytesPerSecond = bytesPerSecond == 0 ? rate : 0.7 * bytesPerSecond + 0.3 * rate;
    }
  }

  /** A connection for a file failed. */
  void fileFailed(HubException e) {
    if (e instanceof HubException.Unreachable lost && !lost.host().equals(host)) {
      synchronized (this) {
        lostHost = lost.host();
      }
    }
    count(files, e);
  }

  /** Its bytes were wrong. */
  void lied(String what) {
    files.lied("it gave wrong bytes: " + what);
  }

  private static void count(Breaker breaker, HubException e) {
    var why = String.valueOf(e.getMessage());
    switch (e) {
      case HubException.Unreachable _, HubException.Protocol _, HubException.TokenRefused _ ->
          breaker.failed(1, why);
      case HubException.RateLimited limited -> {
        if (!limited.isPaced()) {
          breaker.rest(limited.retryAfter().orElse(Duration.ofSeconds(5)), why);
        }
      }
      case HubException.RepoNotFound _,
          HubException.RevisionNotFound _,
          HubException.EntryNotFound _,
          HubException.Gated _,
          HubException.Withheld _,
          HubException.OtherFile _ -> {
        // it answers; what it lacks says nothing about how it does
      }
    }
  }

  /** What a comparison is remembered under. */
  static String key(RepoType type, RepoId repo, String revision) {
    return type + " " + repo + "@" + revision;
  }

  /** Its commit of a repository was compared with the hub's. */
  synchronized void compared(String repository, boolean agrees) {
    var now = clock.instant();
    var before = comparisons.remove(repository);
    var since = agrees || before == null || before.agrees() ? now : before.since();
    comparisons.put(repository, new Comparison(agrees, since, now));
    if (comparisons.size() > REPOSITORIES) {
      comparisons.remove(comparisons.keySet().iterator().next());
    }
  }

  /**
   * For how long, at least, it has been behind the hub with some repository, as far as was looked
   * within the last hour. Empty when nobody looked.
   */
  synchronized OptionalLong lagSeconds() {
    var oldest = clock.instant().minus(LAG_IS_NEWS);
    return comparisons.values().stream()
        .filter(comparison -> comparison.seen().isAfter(oldest))
        .mapToLong(Comparison::lagSeconds)
        .max();
  }

  /** The latency that this share of the answers stays below; empty before the first. */
  synchronized OptionalLong latencyMillis(double share) {
    int n = Math.min(measured, SAMPLES);
    if (n == 0) {
      return OptionalLong.empty();
    }
    var sorted = Arrays.copyOf(latencies, n);
    Arrays.sort(sorted);
    int at = Math.max(0, (int) Math.ceil(share * n) - 1);
    return OptionalLong.of(Math.round(sorted[at] / 1e6));
  }

  /** Bytes a second over one connection; 0 before any were measured. */
  synchronized long bytesPerSecond() {
    return Math.round(bytesPerSecond);
  }

  /** Milliseconds to order places by. */
  synchronized long promptness() {
    return latencyMillis(0.5).orElse(listedIn.toMillis());
  }

  /** The host that its data leads to and that cannot be reached. */
  synchronized @Nullable String lostHost() {
    return lostHost;
  }
}
