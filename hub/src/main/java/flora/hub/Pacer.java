package flora.hub;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Keeps all connections to a host below the rate that it allows: free while much of the window is
 * left, spread over the rest of it when a fifth or less is left, and still once it is used up or
 * the host has refused. Thread-safe.
 */
final class Pacer {

  /** Where the quota is not said, this many requests count as little. */
  private static final long FEW = 20;

  private final Clock clock;
  private Instant blockedUntil = Instant.MIN;
  private Instant reset = Instant.MIN;
  private Instant lastTurn = Instant.MIN;
  private long left;
  private long quota = -1;

  Pacer(Clock clock) {
    this.clock = clock;
  }

  /** Takes a turn: how long to wait before the request. */
  synchronized Duration turn() {
    var now = clock.instant();
    if (blockedUntil.isAfter(now)) {
      return Duration.between(now, blockedUntil);
    }
    if (!reset.isAfter(now)) {
      return Duration.ZERO;
    }
    var rest = Duration.between(now, reset);
    if (left <= 0) {
      return rest;
    }
    boolean tight = left <= (quota > 0 ? Math.max(1, quota / 5) : FEW);
    left--;
    if (!tight) {
      return Duration.ZERO;
    }
    // evenly over what is left of the window after the turns that are given already
    var from = lastTurn.isAfter(now) ? lastTurn : now;
    var gap = Duration.between(from, reset).dividedBy(left + 2);
    lastTurn = gap.isNegative() ? from : from.plus(gap);
    return Duration.between(now, lastTurn);
  }

  /** Reads what an answer says about the rate. */
  synchronized void learn(int status, Function<String, @Nullable String> header) {
    var now = clock.instant();
    RateLimits.budget(header, clock)
        .ifPresent(
            budget -> {
              var end = now.plus(budget.reset());
              boolean sameWindow =
                  reset.isAfter(now)
                      && Duration.between(reset, end).abs().compareTo(Duration.ofSeconds(2)) < 0;
              // answers overtake each other: within a window it only ever gets less
              left = sameWindow ? Math.min(left, budget.left()) : budget.left();
              reset = end;
              quota = budget.quota();
            });
    if (status == 429) {
      var wait = RateLimits.retryAfter(header, clock);
      if (wait != null) {
        blockedUntil = now.plus(wait);
      }
    }
  }
}
