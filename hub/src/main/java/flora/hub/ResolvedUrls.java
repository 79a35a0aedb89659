package flora.hub;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import okhttp3.HttpUrl;
import org.jspecify.annotations.Nullable;

/**
 * Where files were redirected to, so that each further range of a file costs one request and not
 * two. A signed URL is kept until shortly before it expires ({@code X-Amz-Date} and {@code
 * X-Amz-Expires}, {@code Expires}), another one for ten minutes. Thread-safe.
 */
final class ResolvedUrls {

  private static final Duration UNSIGNED = Duration.ofMinutes(10);
  private static final int MOST = 20_000;
  private static final DateTimeFormatter AMAZON =
      DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'");

  /**
   * A place in the content network.
   *
   * @param facts what the hops on the way said
   */
  record Resolved(HttpUrl url, HubHttp.Facts facts, Instant until) {}

  private final Clock clock;
  private final Map<HttpUrl, Resolved> known = new ConcurrentHashMap<>();

  ResolvedUrls(Clock clock) {
    this.clock = clock;
  }

  Optional<Resolved> find(HttpUrl asked) {
    var resolved = known.get(asked);
    if (resolved == null) {
      return Optional.empty();
    }
    if (resolved.until().isAfter(clock.instant())) {
      return Optional.of(resolved);
    }
    known.remove(asked, resolved);
    return Optional.empty();
  }

  /** Remembers where an answer came from in the end. */
  void keep(HttpUrl asked, HubHttp.Answer answer) {
    if (answer.url().equals(asked)) {
      return;
    }
    if (known.size() >= MOST) {
      known.clear();
    }
    var now = clock.instant();
    var expiry = expiry(answer.url());
    var until =
        expiry == null
            ? now.plus(UNSIGNED)
            : expiry.minus(Duration.between(now, expiry).dividedBy(10));
    known.put(asked, new Resolved(answer.url(), answer.facts(), until));
  }

  void drop(HttpUrl asked) {
    known.remove(asked);
  }

  private static @Nullable Instant expiry(HttpUrl url) {
    try {
      var date = url.queryParameter("X-Amz-Date");
      var seconds = url.queryParameter("X-Amz-Expires");
      if (date != null && seconds != null) {
        return LocalDateTime.parse(date, AMAZON)
            .toInstant(ZoneOffset.UTC)
            .plusSeconds(Long.parseLong(seconds));
      }
      var epoch = url.queryParameter("Expires");
      return epoch == null ? null : Instant.ofEpochSecond(Long.parseLong(epoch));
    } catch (DateTimeException | NumberFormatException | ArithmeticException e) {
      return null;
    }
  }
}
