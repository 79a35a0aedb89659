package flora.fakehub;

import java.time.Duration;

/**
 * How fast a {@link FakeHub} is. A connection is a TCP connection: requests that follow one another
 * on it share its budget.
 *
 * @param connection bytes a second on each connection; {@link Long#MAX_VALUE} for no limit
 * @param link bytes a second on all connections together; {@link Long#MAX_VALUE} for no limit
 * @param latency before the first byte of every answer
 */
public record Throttle(long connection, long link, Duration latency) {

  /** As fast as the machine. */
  public static final Throttle NONE = new Throttle(Long.MAX_VALUE, Long.MAX_VALUE, Duration.ZERO);

  public Throttle {
    if (connection <= 0 || link <= 0 || latency.isNegative()) {
      throw new IllegalArgumentException(
          "connection and link must be positive, latency not negative: "
              + connection
              + ", "
              + link
              + ", "
              + latency);
    }
  }

  /** The same with so many bytes a second on each connection. */
  public Throttle connection(long bytesPerSecond) {
    return new Throttle(bytesPerSecond, link, latency);
  }

  /** The same with so many bytes a second on all connections together. */
  public Throttle link(long bytesPerSecond) {
    return new Throttle(connection, bytesPerSecond, latency);
  }

  /** The same with this much time before the first byte of every answer. */
  public Throttle latency(Duration time) {
    return new Throttle(connection, link, time);
  }
}
