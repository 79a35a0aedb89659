package flora.stage;

import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * How a worker takes work.
 *
 * @param worker its name; no two workers of a stage that live at the same time share one. A name
 *     that outlives the process gets its run back at once after a crash. By default host and
 *     process
 * @param lock how long it holds a record of the queue without renewing, 1 s to 1 h
 * @param lease how long it may be silent before its run is given to another
 * @param retries how often it tries again after a failure that may pass
 * @param firstPause before it tries again; doubles each time
 * @param longestPause between two tries
 * @param grace how long it waits at shutdown for work to stop
 */
@ConfigurationProperties("stage")
record StageProperties(
    @Nullable String worker,
    @DefaultValue("30s") Duration lock,
    @DefaultValue("15s") Duration lease,
    @DefaultValue("6") int retries,
    @DefaultValue("1s") Duration firstPause,
    @DefaultValue("1m") Duration longestPause,
    @DefaultValue("20s") Duration grace) {

  StageProperties {
    if (lock.compareTo(Duration.ofSeconds(1)) < 0 || lock.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("stage.lock must be 1 s to 1 h, but is " + lock);
    }
    if (lease.compareTo(Duration.ofMillis(300)) < 0) {
      throw new IllegalArgumentException("stage.lease must be at least 300 ms, but is " + lease);
    }
    if (worker != null && !worker.matches("[A-Za-z0-9._-]{1,100}")) {
      throw new IllegalArgumentException("stage.worker must have letters, digits and ._- only");
    }
  }

  RetryPolicy retryPolicy() {
    return new RetryPolicy(retries, firstPause, longestPause);
  }
}
