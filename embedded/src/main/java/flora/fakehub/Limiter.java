package flora.fakehub;

import java.io.IOException;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/** Counts requests against a {@link RateLimit}. */
final class Limiter {

  private final RateLimit limit;
  private final InstantSource clock;
  private long windowEnd;
  private int used;

  Limiter(RateLimit limit, InstantSource clock) {
    this.limit = limit;
    this.clock = clock;
    windowEnd = System.nanoTime();
  }

  boolean counts(HubPath path) {
    return switch (path) {
      case HubPath.Api _ -> limit.resource() == RateLimit.Resource.API;
      case HubPath.Resolve _, HubPath.Cached _ -> limit.resource() == RateLimit.Resource.RESOLVERS;
      case HubPath.Unknown _ -> false;
    };
  }

  /** Counts a request and sets the headers; false when it was one too many and is answered. */
  boolean admits(Exchange exchange) throws IOException {
    int left;
    long seconds;
    synchronized (this) {
      long now = System.nanoTime();
      if (now - windowEnd >= 0) {
        windowEnd = now + limit.window().toNanos();
        used = 0;
      }
      used = Math.min(limit.requests() + 1, used + 1);
      left = limit.requests() - used;
      seconds = Math.ceilDiv(windowEnd - now, 1_000_000_000L);
    }
    var headers = exchange.answerHeaders();
    if (limit.announced()) {
      var name = limit.resource().name().toLowerCase(Locale.ROOT);
      headers.put("RateLimit", "\"%s\";r=%d;t=%d".formatted(name, Math.max(0, left), seconds));
      headers.put(
          "RateLimit-Policy",
          "\"fixed window\";\"%s\";q=%d;w=%d"
              .formatted(name, limit.requests(), limit.window().toSeconds()));
    }
    if (left >= 0) {
      return true;
    }
    switch (limit.retryAfter()) {
      case ABSENT -> {}
      case SECONDS -> headers.put("Retry-After", Long.toString(seconds));
      case DATE ->
          headers.put(
              "Retry-After",
              DateTimeFormatter.RFC_1123_DATE_TIME.format(
                  clock.instant().plusSeconds(seconds).atOffset(ZoneOffset.UTC)));
    }
    Answers.error(exchange, 429, null, "We had to rate limit your IP. Try again later.");
    return false;
  }
}
