package flora.stage;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Lets progress out at a bearable rate, on a thread of its own: never sooner than a second after
 * the event before, the newest one of those that were held back; and again what it said last when
 * nothing was heard for ten seconds.
 */
final class Progress implements AutoCloseable {

  private final Clock clock;
  private final Duration least;
  private final Duration most;
  private final Consumer<Function<EventStamp, Event>> sender;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Thread thread;
  private @Nullable Function<EventStamp, Event> newest;
  private boolean fresh;
  private boolean open = true;
  private Instant lastHeard = Instant.EPOCH;

  Progress(
      Clock clock, Duration least, Duration most, Consumer<Function<EventStamp, Event>> sender) {
    this.clock = clock;
    this.least = least;
    this.most = most;
    this.sender = sender;
    this.thread = Thread.ofVirtual().name("progress").start(this::run);
  }

  /** Takes note of it and returns. */
  void offer(Function<EventStamp, Event> event) {
    lock.lock();
    try {
      newest = event;
      fresh = true;
      changed.signal();
    } finally {
      lock.unlock();
    }
  }

  /** Some event was sent. */
  void heard() {
    lock.lock();
    try {
      lastHeard = clock.instant();
    } finally {
      lock.unlock();
    }
  }

  /** Nothing more comes out once this has returned. */
  @Override
  public void close() {
    lock.lock();
    try {
      open = false;
      changed.signal();
    } finally {
      lock.unlock();
    }
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    for (var event = next(); event != null; event = next()) {
      sender.accept(event);
    }
  }

  private @Nullable Function<EventStamp, Event> next() {
    lock.lock();
    try {
      while (open) {
        var event = newest;
        if (event == null) {
          changed.await();
          continue;
        }
        var pause = Duration.between(clock.instant(), lastHeard.plus(fresh ? least : most));
        if (!pause.isPositive()) {
          fresh = false;
          return event;
        }
        changed.awaitNanos(pause.toNanos());
      }
      return null;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return null;
    } finally {
      lock.unlock();
    }
  }
}
