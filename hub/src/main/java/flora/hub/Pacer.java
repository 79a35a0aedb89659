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
  private Instant lastTurn = Instant.EPOCH;
  private long left;
  private long quota = -1;

  Pacer(Clock clock) {
    this.clock = clock;
  }

  /**
   * When a request may be made.
   *
   * @param delay from now on
   * @param isRefused whether the host has said so, and it is not only we who leave some of the
   *     window for later, or wait for the next one
   */
  record Turn(Duration delay, boolean isRefused) {
    private static final Turn NOW = new Turn(Duration.ZERO, false);
  }

  /** Takes a turn, unless it is further off than this: then it is for who comes back in time. */
  synchronized Turn turn(Duration most) {
    var now = clock.instant();
    if (blockedUntil.isAfter(now)) {
      return new Turn(Duration.between(now, blockedUntil), true);
    }
    if (!reset.isAfter(now)) {
      return Turn.NOW;
    }
    if (left <= 0) {
      return new Turn(Duration.between(now, reset), false);
    }
    boolean tight = left <= (quota > 0 ? Math.max(1, quota / 5) : FEW);
    if (!tight) {
      left--;
      return Turn.NOW;
    }
    // evenly over what is left of the window after the last turn that was taken
    var next = lastTurn.plus(Duration.between(lastTurn, reset).dividedBy(left + 1));
    var at = next.isAfter(now) ? next : now;
    var wait = Duration.between(now, at);
    if (wait.compareTo(most) <= 0) {
      left--;
      lastTurn = at;
    }
    return new Turn(wait, false);
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
