package flora.fetcher.download;

import flora.store.ObjectStoreException;
import java.time.Duration;

/**
 * Waits while the store's medium is full: what could not be written is written again, at growing
 * distances, until somebody has made room.
 */
public final class Room {

  static final long SAY_AGAIN_NANOS = Duration.ofSeconds(10).toNanos();
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

  /** Something to do with the store, which may be done again from its beginning. */
  @FunctionalInterface
  public interface Write<T> {
    T run() throws InterruptedException;
  }

  /** Who waits. */
  public interface Waiter {

    /** There is no room; said at once and every ten seconds. */
    void paused(ObjectStoreException.Full why);

    /** It goes on, or fails of something else; said once after pauses. */
    void resumed();

    /** May throw to stop; asked several times a second. */
    void proceed() throws InterruptedException;
  }

  private Room() {}

  /**
   * Does it as soon as there is room.
   *
   * @param longestPause between two tries
   */
  public static <T> T await(Duration longestPause, Waiter waiter, Write<T> write)
      throws InterruptedException {
    var pause = FIRST_PAUSE;
    boolean isPaused = false;
    long told = 0;
    while (true) {
      boolean isFull = false;
      try {
        return write.run();
      } catch (ObjectStoreException.Full e) {
        isFull = true;
        long now = System.nanoTime();
        if (!isPaused || now - told > SAY_AGAIN_NANOS) {
          isPaused = true;
          told = now;
          waiter.paused(e);
        }
        pause = pause.compareTo(longestPause) > 0 ? longestPause : pause;
        sleep(pause, waiter);
        pause = pause.multipliedBy(2);
      } finally {
        // another failure than this one says as well that there is room
        if (isPaused && !isFull) {
          waiter.resumed();
        }
      }
    }
  }

  private static void sleep(Duration pause, Waiter waiter) throws InterruptedException {
    long until = System.nanoTime() + pause.toNanos();
    for (long left = pause.toNanos(); left > 0; left = until - System.nanoTime()) {
      waiter.proceed();
      Thread.sleep(Duration.ofNanos(Math.min(left, FIRST_PAUSE.toNanos())));
    }
  }
}
