package flora.stage;

import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Failure;
import flora.schemas.Json;
import flora.schemas.PipelineException;
import flora.schemas.Routing;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Control;
import flora.schemas.run.Head;
import flora.schemas.run.RunEvent;
import flora.schemas.work.Work;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.slf4j.MDC;
import tools.jackson.core.JacksonException;

/** One record from the queue to the next stage's queue: read {@link #work} first. */
final class StageWorker implements RecordHandler {

  private static final Logger log = LoggerFactory.getLogger(StageWorker.class);

  private static final Duration STORE_PAUSE = Duration.ofSeconds(1);

  private final StageFlow flow;
  private final Stage stage;
  private final ObjectStore store;
  private final EventPublisher publisher;
  private final DeadLetters deadLetters;
  private final RetryPolicy retries;
  private final Clock clock;
  private final String owner;
  private final Duration leaseLength;

  /**
   * @param owner name of this worker; no two that live at the same time share one
   * @param leaseLength how long a worker may be silent before its run is given to another
   */
  StageWorker(
      StageFlow flow,
      ObjectStore store,
      Outbox outbox,
      RetryPolicy retries,
      Clock clock,
      String owner,
      Duration leaseLength) {
    this.flow = flow;
    this.stage = flow.stage();
    this.store = store;
    this.publisher = new EventPublisher(outbox, stage);
    this.deadLetters = new DeadLetters(outbox, Topics.deadLetters(stage));
    this.retries = retries;
    this.clock = clock;
    this.owner = owner;
    this.leaseLength = leaseLength;
  }

  @Override
  public Outcome handle(Delivery delivery) {
    try {
      var work = parse(delivery);
      if (work.isEmpty()) {
        return Outcome.DONE;
      }
      MDC.put("runId", work.get().runId().value());
      if (delivery.isLast()) {
        // first of all: should this try end like those before, the record is not lost
        deadLetters.write(
            delivery.record(), "taken " + delivery.count() + " times, never finished");
      }
      return workWhateverTheStoreDoes(work.get(), delivery);
    } catch (StageContext.LeaseLost e) {
      log.warn("stopped: {}", e.getMessage());
      return Outcome.DONE;
    } catch (Outbox.SendFailed e) {
      log.warn("given back, for another try", e);
      return Outcome.GIVE_BACK;
    } catch (InterruptedException e) {
      log.info("given back: {}", delivery.stopped());
      return Outcome.GIVE_BACK;
    } catch (RuntimeException e) {
      log.error("the record cannot be worked on", e);
      drop(delivery, e.getClass().getSimpleName());
      return Outcome.DONE;
    } finally {
      MDC.remove("runId");
    }
  }

  /** The object store is waited for as long as it takes: without it nothing is known or kept. */
  private Outcome workWhateverTheStoreDoes(Work work, Delivery delivery)
      throws InterruptedException {
    while (true) {
      try {
        return work(work, delivery);
      } catch (ObjectStoreException.Unavailable e) {
        delivery.resume();
        log.warn("the object store is away, waiting: {}", e.getMessage());
        Thread.sleep(STORE_PAUSE);
      }
    }
  }

  private Outcome work(Work work, Delivery delivery) throws InterruptedException {
    var lease = awaitLease(work, delivery);
    if (lease.isEmpty()) {
      return Outcome.DONE; // a double
    }
    var held = lease.get();
    try {
      var next = attempt(work, held, delivery);
      delivery.finish();
      held.release();
      return switch (next) {
        case HAND_ON -> {
          handOn(work);
          yield Outcome.DONE;
        }
        case OVER -> Outcome.DONE;
        // whoever resumed it before the lease was free found it held: then this record goes round
        case PAUSED ->
            ControlFile.read(store, work.runId()).desired() == Control.Desired.PAUSED
                ? Outcome.DONE
                : Outcome.GIVE_BACK;
        case GIVE_BACK -> Outcome.GIVE_BACK;
      };
    } finally {
      release(held, delivery);
    }
  }

  /** Where the record goes from here. */
  private enum Next {
    HAND_ON,
    OVER,
    PAUSED,
    GIVE_BACK
  }

  private Next attempt(Work work, Lease lease, Delivery delivery) throws InterruptedException {
    try (var attempt =
        new Attempt(
            store,
            clock,
            publisher,
            lease,
            leaseLength.dividedBy(3),
            work.runId(),
            delivery,
            flow.pausesItself())) {
      var head = attempt.head();
      if (head.ended() != null) {
        return repeatEnd(head.ended(), work.runId());
      }
      var done = StageEvents.completed(head, stage);
      if (done != null) {
        publisher.publish(done);
        return Next.HAND_ON;
      }
      if (delivery.isLast()) {
        var often = "taken " + delivery.count() + " times and never finished";
        return end(attempt, delivery, internal(often));
      }
      var request = request(work);
      switch (attempt.desired()) {
        case CANCELLED -> {
          return end(attempt, delivery, null);
        }
        case PAUSED -> {
          return pause(attempt, delivery, false);
        }
        case RUNNING -> {}
      }
      log.info("{} begins, attempt {}, epoch {}", stage.id(), lease.attempt(), lease.epoch());
      return switch (run(request, attempt, delivery)) {
        case Result.Completed completed -> complete(attempt, delivery, completed.event());
        case Result.Failed failed -> end(attempt, delivery, failed.failure());
        case Result.Cancelled _ -> end(attempt, delivery, null);
        case Result.Paused _ -> pause(attempt, delivery, flow.pausesItself());
        case Result.Stopped _ -> Next.GIVE_BACK;
      };
    }
  }

  /** What the stage's own work came to. */
  private sealed interface Result {
    record Completed(Function<EventStamp, Event> event) implements Result {}

    record Failed(Failure failure) implements Result {}

    record Cancelled() implements Result {}

    record Paused() implements Result {}

    record Stopped() implements Result {}
  }

  private Result run(RunRequest request, Attempt attempt, Delivery delivery)
      throws InterruptedException {
    for (int failures = 1; ; failures++) {
      try {
        return new Result.Completed(flow.run(request, attempt));
      } catch (InterruptedException | RuntimeException | Error e) {
        var why = delivery.stopped();
        if (why == Delivery.Stop.CANCELLED || e instanceof StageContext.RunCancelled) {
          return new Result.Cancelled();
        }
        if (why != null || e instanceof InterruptedException) {
          log.info("stopped: {}", why == null ? "interrupted" : why);
          return new Result.Stopped();
        }
        switch (e) {
          case StageContext.LeaseLost lost -> throw lost;
          case StageContext.RunPaused _ -> {
            return new Result.Paused();
          }
          case Outbox.SendFailed kafka -> throw kafka;
          case PipelineException known -> {
            var pause = retries.pause(failures, known);
            if (pause.isEmpty()) {
              log.warn("{} fails with {}: {}", stage.id(), known.code(), known.getMessage());
              return new Result.Failed(Failure.of(known));
            }
            log.warn("again in {}: {}", pause.get(), known.getMessage());
            if (!sleep(pause.get())) {
              return delivery.stopped() == Delivery.Stop.CANCELLED
                  ? new Result.Cancelled()
                  : new Result.Stopped();
            }
          }
          default -> {
            log.error("{} fails in a way that nobody foresaw", stage.id(), e);
            deadLetters.write(delivery.record(), e.toString());
            return new Result.Failed(internal(e.getClass().getSimpleName()));
          }
        }
      }
    }
  }

  private Next complete(Attempt attempt, Delivery delivery, Function<EventStamp, Event> completed) {
    delivery.finish();
    if (attempt.desired() == Control.Desired.CANCELLED) {
      return end(attempt, delivery, null);
    }
    var event = completed.apply(attempt.lastStamp());
    attempt.updateHead(head -> StageEvents.completed(head, event));
    publisher.publish(event);
    log.info("{} is done", stage.id());
    return Next.HAND_ON;
  }

  /** The run comes to nothing; without a failure, because somebody cancelled it. */
  private Next end(Attempt attempt, Delivery delivery, @Nullable Failure failure) {
    delivery.finish();
    var stamp = attempt.lastStamp();
    attempt.updateHead(
        head ->
            head.with(new Head.Ended(stage, stamp.attempt(), stamp.seq(), stamp.at(), failure)));
    publisher.publish(StageEvents.ended(stage, stamp, failure));
    log.info("{} {}", stage.id(), failure == null ? "is cancelled" : "failed: " + failure.code());
    return Next.OVER;
  }

  /**
   * The run waits until somebody resumes it, which asks for this stage anew.
   *
   * @param said whether the stage's own work has said so already
   */
  private Next pause(Attempt attempt, Delivery delivery, boolean said) {
    delivery.finish();
    if (!said) {
      publisher.publish(StageEvents.paused(stage, attempt.lastStamp(), attempt.head()));
    }
    log.info("{} is paused", stage.id());
    return Next.PAUSED;
  }

  /** Says again how a run has ended; a stage that it never came to says nothing. */
  private Next repeatEnd(Head.Ended ended, RunId run) {
    if (ended.stage() == stage) {
      var stamp = new EventStamp(run, ended.attempt(), ended.seq(), ended.at());
      publisher.publish(StageEvents.ended(stage, stamp, ended.failure()));
    }
    return Next.OVER;
  }

  private void handOn(Work work) {
    var next = Routing.after(stage, request(work));
    if (next.isPresent()) {
      publisher.ask(Work.of(next.get(), work.runId(), work.request(), 1), clock.instant());
    }
  }

  /**
   * The lease, or nothing when somebody else works on this very stage. A record that was never
   * handed out before is a double then; one that was is waited with, since its former worker may be
   * dead: only if that worker is seen to renew for long is it a double, too.
   */
  private Optional<Lease> awaitLease(Work work, Delivery delivery) throws InterruptedException {
    var patience = clock.instant().plus(leaseLength.multipliedBy(3));
    @Nullable Instant firstExpiry = null;
    while (true) {
      if (delivery.stopped() != null) {
        throw new InterruptedException();
      }
      switch (Lease.take(store, clock, work.runId(), stage, owner, leaseLength)) {
        case Lease.Try.Taken taken -> {
          return Optional.of(taken.lease());
        }
        case Lease.Try.Busy busy -> {
          var by = busy.by();
          if (by.stage().compareTo(stage) > 0) {
            log.info("the run is at {} already", by.stage().id());
            return Optional.empty(); // our own work was done and handed on
          }
          firstExpiry = firstExpiry == null ? by.expires() : firstExpiry;
          var renewed = by.expires().isAfter(firstExpiry);
          if (by.stage() == stage
              && (delivery.count() == 1 || (renewed && clock.instant().isAfter(patience)))) {
            log.info("{} works on it already", by.owner());
            return Optional.empty();
          }
        }
      }
      Thread.sleep(leaseLength.dividedBy(20));
    }
  }

  private void release(Lease lease, Delivery delivery) {
    delivery.finish();
    try {
      lease.release();
    } catch (ObjectStoreException e) {
      log.warn("a lease was left to run out: {}", e.getMessage());
    }
  }

  private RunRequest request(Work work) {
    var ref = work.request();
    var stored =
        store
            .read(ref.bucket(), ref.key())
            .orElseThrow(() -> new ObjectStoreException.NotFound(ref.bucket(), ref.key()));
    return Json.read(stored.bytes(), RunRequest.class);
  }

  private Optional<Work> parse(Delivery delivery) {
    var record = delivery.record();
    try {
      var work = Json.read(record.value(), Work.class);
      if (work.stage() == stage) {
        return Optional.of(work);
      }
      drop(delivery, "asks for " + work.stage().id() + " on the topic of " + stage.id());
    } catch (JacksonException | IllegalArgumentException | NullPointerException e) {
      drop(delivery, "not a work record: " + e.getClass().getSimpleName());
    }
    return Optional.empty();
  }

  private void drop(Delivery delivery, String reason) {
    log.error("dead letter at offset {}: {}", delivery.record().offset(), reason);
    deadLetters.write(delivery.record(), reason);
    var key = delivery.record().key();
    if (key != null && key.startsWith("run_")) {
      try {
        failUnlessWorkedOn(new RunId(key), reason);
      } catch (IllegalArgumentException e) {
        log.warn("no run has the id {}", key);
      }
    }
  }

  /** Tells of the failure as the stage's newest attempt, unless somebody works on the run. */
  private void failUnlessWorkedOn(RunId run, String reason) {
    var lease = Lease.peek(store, run);
    if (lease.isPresent()
        && !lease.get().owner().equals(owner)
        && clock.instant().isBefore(lease.get().expires())) {
      return;
    }
    int attempt = lease.map(l -> l.attempts().getOrDefault(stage, 1)).orElse(1);
    publisher.publish(
        new RunEvent.Failed(run, attempt, 1, clock.instant(), stage, internal(reason)));
  }

  private static boolean sleep(Duration pause) {
    try {
      Thread.sleep(pause);
      return true;
    } catch (InterruptedException e) {
      return false;
    }
  }

  private static Failure internal(String what) {
    return new Failure(
        ErrorCode.INTERNAL,
        "an error inside Flora: " + what,
        "the record is in the dead-letter topic, more stands in the worker's log");
  }
}
