package flora.fakehub;

import java.io.InterruptedIOException;
import java.time.Duration;

/**
 * A budget of bytes a second. Whoever wants to send takes bytes and waits until their time has
 * come; between two takes nobody spins. Sleeps that took too long are made up for, idle time is
 * not.
 */
final class Pace {

  private static final long LATE = Duration.ofMillis(100).toNanos();
  private static final long UNLIMITED_PIECE = 4L << 20;

  private final double nanosPerByte;
  private final long piece;
  private long next = System.nanoTime();

  Pace(long bytesPerSecond) {
    boolean unlimited = bytesPerSecond == Long.MAX_VALUE;
    nanosPerByte = unlimited ? 0 : 1e9 / bytesPerSecond;
    piece = unlimited ? UNLIMITED_PIECE : Math.clamp(bytesPerSecond / 50, 1, 1 << 20);
  }

  /** How many bytes to take at once: a fiftieth of a second's. */
  long piece() {
    return piece;
  }

  /** An answer begins; what was not used before it is lost. */
  synchronized void begin() {
    next = Math.max(next, System.nanoTime());
  }

  /** When these bytes may leave, as {@link System#nanoTime} counts. */
  synchronized long take(long bytes) {
    long now = System.nanoTime();
    if (nanosPerByte == 0) {
      return now;
    }
    long due = Math.max(next, now - LATE);
    next = due + Math.round(bytes * nanosPerByte);
    return due;
  }

  /** Waits for a moment that {@link #take} gave. */
  static void await(long due) throws InterruptedIOException {
    long left = due - System.nanoTime();
    if (left > 0) {
      sleep(Duration.ofNanos(left));
    }
  }

  static void sleep(Duration time) throws InterruptedIOException {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new InterruptedIOException("the hub was stopped while it dawdled");
    }
  }
}
