package flora.stage;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RetryAfter;
import java.time.Duration;
import java.util.Optional;

/**
 * Whether and when a stage tries again: only what may be otherwise later, at growing distances, a
 * limited number of times. An object store that is away is waited for as long as it takes, since
 * without it not even the failure could be kept.
 *
 * @param limit tries after the first
 * @param first pause before the second try; doubles each time
 * @param longest pause; also caps what the other side asks for
 */
record RetryPolicy(int limit, Duration first, Duration longest) {

  RetryPolicy {
    if (limit < 0 || first.isNegative() || first.compareTo(longest) > 0) {
      throw new IllegalArgumentException(
          "stage.retries must not be negative and stage.first-pause not longer than"
              + " stage.longest-pause");
    }
  }

  /**
   * The pause before the next try, or nothing when it is time to give up.
   *
   * @param failures how often it failed, this time included
   */
  Optional<Duration> pause(int failures, PipelineException e) {
    if (!isTransient(e) || (failures > limit && e.code() != ErrorCode.STORE_UNAVAILABLE)) {
      return Optional.empty();
    }
    var backOff = first.multipliedBy(1L << Math.min(failures - 1, 20));
    var asked =
        e instanceof RetryAfter told ? told.retryAfter().orElse(Duration.ZERO) : Duration.ZERO;
    var pause = backOff.compareTo(asked) > 0 ? backOff : asked;
    return Optional.of(pause.compareTo(longest) > 0 ? longest : pause);
  }

  /** Whether doing the very same thing later may succeed. */
  static boolean isTransient(PipelineException e) {
    return e.code().isTransient();
  }
}
