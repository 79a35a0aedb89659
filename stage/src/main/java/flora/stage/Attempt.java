package flora.stage;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.time.Duration;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One attempt at a stage of a run, while its lease is held: the context that the stage's work sees.
 * Beside the work one thread renews the lease and reads control, and another lets progress out.
 */
final class Attempt implements StageContext, AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Attempt.class);

  private static final Duration LEAST = Duration.ofSeconds(1);
  private static final Duration MOST = Duration.ofSeconds(10);

  /** Somebody who cancels does not wait long. */
  private static final Duration CONTROL = Duration.ofSeconds(2);

  private final ObjectStore store;
  private final Clock clock;
  private final EventPublisher publisher;
  private final Lease lease;
  private final Delivery delivery;
  private final RunId run;
  private final FencedHead head;
  private final Thread keeper;
  private final Progress progress;
  private final boolean pausesItself;
  private final Object order = new Object();
  private volatile Control control = Control.NONE;
  private long seq;

  /**
   * Stamps the head with the lease's epoch and keeps the lease from now on.
   *
   * @param renewal how often the lease is renewed
   * @param pausesItself whether the work looks at control itself when it is to pause
   */
  Attempt(
      ObjectStore store,
      Clock clock,
      EventPublisher publisher,
      Lease lease,
      Duration renewal,
      RunId run,
      Delivery delivery,
      boolean pausesItself) {
    this.store = store;
    this.clock = clock;
    this.publisher = publisher;
    this.lease = lease;
    this.delivery = delivery;
    this.run = run;
    this.pausesItself = pausesItself;
    this.head = FencedHead.open(store, run, lease.epoch());
    this.progress = new Progress(clock, LEAST, MOST, this::sendProgress);
    this.keeper = Thread.ofVirtual().name("lease-" + run).start(() -> keep(renewal));
  }

  @Override
  public RunId runId() {
    return run;
  }

  @Override
  public int attempt() {
    return lease.attempt();
  }

  @Override
  public long epoch() {
    return lease.epoch();
  }

  @Override
  public Head head() {
    return head.get();
  }

  @Override
  public Head updateHead(UnaryOperator<Head> change) {
    try {
      return head.update(change);
    } catch (LeaseLost e) {
      delivery.stop(Delivery.Stop.LEASE_LOST);
      throw e;
    }
  }

  @Override
  public void publish(Function<EventStamp, Event> event) {
    synchronized (order) {
      if (isLost()) {
        throw new LeaseLost(run, epoch());
      }
      publisher.publish(event.apply(stamp()));
      progress.heard();
    }
  }

  @Override
  public void progress(Function<EventStamp, Event> event) {
    progress.offer(event);
  }

  @Override
  public Control control() {
    return control;
  }

  @Override
  public void proceed() {
    var why = delivery.stopped();
    if (why != null) {
      switch (why) {
        case CANCELLED -> throw new RunCancelled(run);
        case LEASE_LOST, LOCK_LOST, SHUTDOWN -> throw new LeaseLost(run, epoch());
      }
    }
    if (!pausesItself && control.desired() == Control.Desired.PAUSED) {
      throw new RunPaused(run);
    }
  }

  /** The stamp of this attempt's last event; nothing is published after it but what carries it. */
  EventStamp lastStamp() {
    progress.close();
    synchronized (order) {
      return stamp();
    }
  }

  /** What people want, asked anew. */
  Control.Desired desired() {
    var now = ControlFile.read(store, run);
    control = now;
    return now.desired();
  }

  /** Ends the work beside the work; the lease stays. */
  @Override
  public void close() {
    keeper.interrupt();
    progress.close();
  }

  private EventStamp stamp() {
    return new EventStamp(run, lease.attempt(), ++seq, clock.instant());
  }

  private boolean isLost() {
    var why = delivery.stopped();
    return why == Delivery.Stop.LEASE_LOST || why == Delivery.Stop.LOCK_LOST;
  }

  private void sendProgress(Function<EventStamp, Event> event) {
    try {
      publish(event);
    } catch (LeaseLost e) {
      log.debug("progress of {} is not ours to tell", run);
    } catch (Outbox.SendFailed e) {
      log.warn("progress of {} was not sent", run, e);
    } catch (RuntimeException e) {
      log.warn("progress of {} cannot be told", run, e);
    }
  }

  private void keep(Duration renewal) {
    var pause = renewal.compareTo(CONTROL) < 0 ? renewal : CONTROL;
    var renewed = clock.instant();
    try {
      while (true) {
        Thread.sleep(pause);
        try {
          if (desired() == Control.Desired.CANCELLED) {
            delivery.stop(Delivery.Stop.CANCELLED);
          }
          if (clock.instant().isBefore(renewed.plus(renewal))) {
            continue;
          }
          if (!lease.renew()) {
            delivery.stop(Delivery.Stop.LEASE_LOST);
            return;
          }
          renewed = clock.instant();
        } catch (ObjectStoreException e) {
          if (Thread.currentThread().isInterrupted()) {
            return;
          }
          // nobody else can reach it either, or fencing decides; the work goes on meanwhile
          log.warn("the lease of {} could not be renewed: {}", run, e.getMessage());
        }
      }
    } catch (InterruptedException e) {
      // the attempt is over
    }
  }
}
