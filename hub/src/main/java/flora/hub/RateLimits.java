package flora.hub;

import java.time.Clock;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a host says about the rate of requests: {@code Retry-After}, the IETF draft's {@code
 * RateLimit} and {@code RateLimit-Policy} in their newer ({@code "api";r=50;t=30}) and older
 * ({@code limit=100, remaining=50, reset=30}) form, and {@code
 * [X-]RateLimit-Limit/Remaining/Reset}.
 */
final class RateLimits {

  private static final Pattern LEFT = Pattern.compile("(?:\\br|\\bremaining)\\s*=\\s*(\\d{1,12})");
  private static final Pattern RESET = Pattern.compile("(?:\\bt|\\breset)\\s*=\\s*(\\d{1,12})");
  private static final Pattern QUOTA = Pattern.compile("(?:\\bq|\\blimit)\\s*=\\s*(\\d{1,12})");
  private static final Pattern OLD_QUOTA = Pattern.compile("^\\s*(\\d{1,12})\\s*;\\s*w=");

  /** Nobody waits longer, and what is not a number of years can be reckoned with. */
  private static final Duration LONGEST = Duration.ofDays(1);

  /** More seconds than this are a moment in time and no length of it. */
  private static final long EPOCH_FROM = 1_000_000_000L;

  /**
   * What is left of a window.
   *
   * @param left requests
   * @param quota requests of a whole window; -1 when it is not said
   * @param reset until the next window
   */
  record Budget(long left, long quota, Duration reset) {}

  private RateLimits() {}

  /** The budget that an answer names. */
  static Optional<Budget> budget(Function<String, @Nullable String> header, Clock clock) {
    var combined = header.apply("RateLimit");
    if (combined != null) {
      var tightest = new Budget(Long.MAX_VALUE, -1, Duration.ZERO);
      // of several policies the tightest counts; the older form is one policy with commas in it
      boolean isOld = combined.contains("remaining");
      for (var item : isOld ? new String[] {combined} : combined.split(",")) {
        long left = number(LEFT, item);
        long reset = number(RESET, item);
        if (left >= 0 && reset >= 0 && left < tightest.left()) {
          long quota = isOld ? number(QUOTA, item) : -1;
          tightest = new Budget(left, quota, seconds(reset));
        }
      }
      if (tightest.left() < Long.MAX_VALUE) {
        long quota = tightest.quota() >= 0 ? tightest.quota() : policy(header);
        return Optional.of(new Budget(tightest.left(), quota, tightest.reset()));
      }
    }
    for (var prefix : new String[] {"RateLimit-", "X-RateLimit-"}) {
      var left = plain(header.apply(prefix + "Remaining"));
      var reset = plain(header.apply(prefix + "Reset"));
      if (left >= 0 && reset >= 0) {
        long seconds =
            reset >= EPOCH_FROM ? Math.max(0, reset - clock.instant().getEpochSecond()) : reset;
        var quota = plain(header.apply(prefix + "Limit"));
        return Optional.of(new Budget(left, quota, seconds(seconds)));
      }
    }
    return Optional.empty();
  }

  /** How long a refused client is to wait: {@code Retry-After}, else until the next window. */
  static @Nullable Duration retryAfter(Function<String, @Nullable String> header, Clock clock) {
    var value = header.apply("Retry-After");
    if (value != null && value.matches("\\d{1,9}")) {
      return seconds(Long.parseLong(value));
    }
    if (value != null) {
      try {
        var date = ZonedDateTime.parse(value, DateTimeFormatter.RFC_1123_DATE_TIME).toInstant();
        var wait = Duration.between(Instant.now(clock), date);
        return wait.isNegative() ? Duration.ZERO : capped(wait);
      } catch (DateTimeException e) {
        // the other headers may be readable
      }
    }
    return budget(header, clock).map(Budget::reset).orElse(null);
  }

  private static Duration seconds(long seconds) {
    return capped(Duration.ofSeconds(seconds));
  }

  private static Duration capped(Duration wait) {
    return wait.compareTo(LONGEST) > 0 ? LONGEST : wait;
  }

  private static long policy(Function<String, @Nullable String> header) {
    var policy = header.apply("RateLimit-Policy");
    if (policy == null) {
      return -1;
    }
    long quota = number(QUOTA, policy);
    return quota >= 0 ? quota : number(OLD_QUOTA, policy);
  }

  private static long number(Pattern pattern, String text) {
    var match = pattern.matcher(text);
    return match.find() ? Long.parseLong(match.group(1)) : -1;
  }

  private static long plain(@Nullable String value) {
    if (value == null) {
      return -1;
    }
    var first = value.split("[,;]", 2)[0].strip();
    return first.matches("\\d{1,12}") ? Long.parseLong(first) : -1;
  }
}
