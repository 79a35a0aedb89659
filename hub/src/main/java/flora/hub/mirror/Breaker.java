package flora.hub.mirror;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * Keeps us from asking again and again where asking is in vain. Open after some failures in a row
 * or one lie, each time twice as long; then half open: one trial decides. Thread-safe.
 */
final class Breaker {

  private static final Duration TRIAL = Duration.ofSeconds(10);

  private final Clock clock;
  private final int failuresToOpen;
  private final Duration first;
  private final Duration longest;
  private int failures;
  private int openings;
  private Instant openUntil = Instant.MIN;
  private Instant trialUntil = Instant.MIN;
  private @Nullable String cause;

  /**
   * @param first time that it is open, doubled each time it opens again
   */
  Breaker(Clock clock, int failuresToOpen, Duration first, Duration longest) {
    this.clock = clock;
    this.failuresToOpen = failuresToOpen;
    this.first = first;
    this.longest = longest;
  }

  /** Whether asking is worth it; changes nothing. */
  synchronized boolean allows() {
    return switch (state()) {
      case CLOSED -> true;
      case OPEN -> false;
      case HALF_OPEN -> !trialUntil.isAfter(clock.instant());
    };
  }

  /** Somebody asks now: while half open, others do not meanwhile. */
  synchronized void enter() {
    if (state() == MirrorStatus.Circuit.HALF_OPEN) {
      trialUntil = clock.instant().plus(TRIAL);
    }
  }

  synchronized MirrorStatus.Circuit state() {
    if (openings == 0) {
      return MirrorStatus.Circuit.CLOSED;
    }
    return openUntil.isAfter(clock.instant())
        ? MirrorStatus.Circuit.OPEN
        : MirrorStatus.Circuit.HALF_OPEN;
  }

  /** It was looked at and does what it should, so nobody need wait any longer. */
  synchronized void recovered() {
    openUntil = Instant.MIN;
    succeeded();
  }

  /** It did what it should; while it is open that was begun before and proves nothing. */
  synchronized void succeeded() {
    if (state() != MirrorStatus.Circuit.OPEN) {
      failures = 0;
      openings = 0;
      cause = null;
      trialUntil = Instant.MIN;
    }
  }

  /**
   * It did not.
   *
   * @param weight 1 for a failure; a lie weighs as much as it takes to open
   */
  synchronized void failed(int weight, String why) {
    cause = why;
    failures += weight;
    var state = state();
    if (state == MirrorStatus.Circuit.HALF_OPEN
        || (state == MirrorStatus.Circuit.CLOSED && failures >= failuresToOpen)) {
      var time = first.multipliedBy(1L << Math.min(16, openings));
      open(time.compareTo(longest) > 0 ? longest : time);
    }
  }

  /** It wrote wrong bytes. */
  synchronized void lied(String why) {
    failed(failuresToOpen, why);
  }

  /** It asks to be left alone for a while. */
  synchronized void rest(Duration time, String why) {
    cause = why;
    open(time.compareTo(longest) > 0 ? longest : time);
  }

  private void open(Duration time) {
    openings++;
    failures = 0;
    trialUntil = Instant.MIN;
    openUntil = clock.instant().plus(time);
  }

  /** Why it opened or came nearer to it; null when all is well. */
  synchronized @Nullable String cause() {
    return cause;
  }
}
