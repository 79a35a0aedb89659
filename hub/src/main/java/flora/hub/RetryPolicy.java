package flora.hub;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * When and how often to try again.
 *
 * @param attempts how often in all, 1 for never again
 * @param firstDelay before the second attempt; doubled before each further one
 * @param longestDelay no wait is longer; a hub that asks for more is not waited for
 */
public record RetryPolicy(int attempts, Duration firstDelay, Duration longestDelay) {

  /** Five attempts within some ten seconds, and up to a minute where the hub asks for it. */
  public static final RetryPolicy DEFAULT =
      new RetryPolicy(5, Duration.ofMillis(500), Duration.ofMinutes(1));

  public RetryPolicy {
    if (attempts < 1 || firstDelay.isNegative() || longestDelay.compareTo(firstDelay) < 0) {
      throw new IllegalArgumentException(
          "expected attempts >= 1 and 0 <= firstDelay <= longestDelay");
    }
  }

  /** Whether doing the very same thing later may succeed. */
  public static boolean isTransient(HubException e) {
    return switch (e) {
      // what stands between may put a page or half a file in its place for a moment
      case HubException.RateLimited _, HubException.Unreachable _, HubException.OtherFile _ -> true;
      case HubException.RepoNotFound _,
          HubException.TokenRefused _,
          HubException.RevisionNotFound _,
          HubException.EntryNotFound _,
          HubException.Gated _,
          HubException.Withheld _,
          HubException.Protocol _ ->
          false;
    };
  }

  /**
   * How long to wait after the nth failure in a row; null when it is final. To wait for one's turn
   * never is.
   *
   * @param failures so far, from 1
   */
  public @Nullable Duration delay(int failures, HubException e) {
    if (e instanceof HubException.RateLimited limited && limited.isPaced()) {
      return limited.retryAfter().orElse(firstDelay);
    }
    if (failures >= attempts || !isTransient(e)) {
      return null;
    }
    var delay = backOff(failures);
    var asked =
        e instanceof HubException.RateLimited limited
            ? limited.retryAfter().orElse(Duration.ZERO)
            : Duration.ZERO;
    if (asked.compareTo(longestDelay) > 0) {
      return null;
    }
    return asked.compareTo(delay) > 0 ? asked : delay;
  }

  /** Something that is done again where it failed for a moment. */
  @FunctionalInterface
  interface Attempt<T> {
    T make() throws InterruptedException;
  }

  /** Does it until it succeeds or has failed for good. */
  <T> T again(Attempt<T> attempt) throws InterruptedException {
    for (int failures = 1; ; failures++) {
      try {
        return attempt.make();
      } catch (HubException e) {
        var delay = delay(failures, e);
        if (delay == null) {
          throw e;
        }
        Thread.sleep(delay);
      }
    }
  }

  private Duration backOff(int failures) {
    var delay = firstDelay.multipliedBy(1L << Math.min(20, failures - 1));
    return delay.compareTo(longestDelay) > 0 ? longestDelay : delay;
  }
}
