package flora.fetcher.download;

import java.util.concurrent.Semaphore;
import java.util.function.Consumer;

/**
 * The way into the store: so many bytes at once, since the store's client holds a second copy of
 * what it sends. Where the medium is full it waits and tries again until somebody has made room;
 * everything before it stops by itself as soon as the buffers are used up.
 */
final class Storing {

  private static final int UNIT = 64 << 10;
  private static final int UNITS = (32 << 20) / UNIT;

  private final Semaphore room = new Semaphore(UNITS, true);
  private final DownloadSettings settings;

  Storing(DownloadSettings settings) {
    this.settings = settings;
  }

  /** Does something with the store, some of it at a time. */
  interface Write {
    void run();
  }

  /**
   * On a thread of its own.
   *
   * @param fail told when it fails for good
   * @param after done in any case
   */
  void submit(Job job, long bytes, Write write, Consumer<RuntimeException> fail, Runnable after) {
    job.waitingForStore.incrementAndGet();
    Thread.ofVirtual()
        .name("download-store")
        .start(
            () -> {
              try {
                now(job, bytes, write);
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              } catch (RuntimeException e) {
                fail.accept(e);
              } catch (Error e) {
                fail.accept(new IllegalStateException(e));
              } finally {
                job.waitingForStore.decrementAndGet();
                after.run();
              }
            });
  }

  /** On the caller's thread. */
  private void now(Job job, long bytes, Write write) throws InterruptedException {
    int units = Math.clamp(bytes / UNIT + 1, 1, UNITS);
    room.acquire(units);
    try {
      patiently(
          job,
          () -> {
            write.run();
            return units;
          });
    } finally {
      room.release(units);
    }
  }

  /** On the caller's thread, and whatever else is on its way. */
  <T> T patiently(Job job, Room.Write<T> write) throws InterruptedException {
    return Room.await(settings.fullRetry(), job.waiter(), write);
  }
}
