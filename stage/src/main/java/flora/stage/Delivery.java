package flora.stage;

import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.jspecify.annotations.Nullable;

/**
 * One record on its way through a worker, and the means to stop the thread that works on it.
 * Stopping interrupts that thread until {@link #finish()}: from then on the result is being made
 * known, which is short and must not be torn.
 */
public final class Delivery {

  /** Why work is to stop, the strongest reason first. */
  public enum Stop {
    /** The run belongs to another worker. */
    LEASE_LOST,
    /** The record was given to another worker. */
    LOCK_LOST,
    /** This worker shuts down. */
    SHUTDOWN,
    /** Somebody asked to cancel the run. */
    CANCELLED
  }

  private final ConsumerRecord<@Nullable String, byte[]> record;
  private final int count;
  private final int limit;
  private @Nullable Thread thread;
  private @Nullable Stop stop;

  Delivery(ConsumerRecord<@Nullable String, byte[]> record, int limit) {
    this.record = record;
    this.count = record.deliveryCount().map(Short::intValue).orElse(1);
    this.limit = limit;
  }

  /** The record. */
  public ConsumerRecord<@Nullable String, byte[]> record() {
    return record;
  }

  /** How often the record was handed to a worker, this time included. */
  public int count() {
    return count;
  }

  /** Whether Kafka will drop the record without a trace unless it is accepted this time. */
  public boolean isLast() {
    return count >= limit;
  }

  /** Whether an orderly giving back would bring the record close to its last delivery. */
  boolean isWorn() {
    return count + 2 > limit;
  }

  /** The calling thread works on it. */
  synchronized void begin() {
    thread = Thread.currentThread();
    if (stop != null) {
      Thread.currentThread().interrupt();
    }
  }

  /** From here on nothing interrupts; called by the working thread. */
  synchronized void finish() {
    thread = null;
    Thread.interrupted();
  }

  /** Interruptible again: the result could not be made known, so the work goes on. */
  synchronized void resume() {
    thread = Thread.currentThread();
  }

  synchronized void stop(Stop why) {
    var before = stop;
    if (before == null || why.compareTo(before) < 0) {
      stop = why;
    }
    var working = thread;
    if (working != null) {
      working.interrupt();
    }
  }

  /** Why the work is to stop; null = it may go on. */
  public synchronized @Nullable Stop stopped() {
    return stop;
  }
}
