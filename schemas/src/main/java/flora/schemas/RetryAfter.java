package flora.schemas;

import java.time.Duration;
import java.util.Optional;

/** An exception that knows when to try again, since the other side said so. */
public interface RetryAfter {

  /** How long to wait, when the other side said it. */
  Optional<Duration> retryAfter();
}
