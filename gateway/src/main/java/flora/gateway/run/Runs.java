package flora.gateway.run;

import flora.gateway.GatewayProperties;
import flora.gateway.bus.Outbox;
import flora.gateway.error.Refusal;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.run.Control;
import flora.schemas.run.LeaseState;
import flora.schemas.run.Run;
import flora.schemas.run.RunEvent;
import flora.schemas.run.RunJoin;
import flora.schemas.run.StageState;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Runs as people see them, and what people want of them. */
@Component
public final class Runs {

  private static final Logger log = LoggerFactory.getLogger(Runs.class);

  private final RunView view;
  private final Submissions submissions;
  private final ObjectStore store;
  private final Outbox outbox;
  private final Clock clock;
  private final GatewayProperties properties;

  Runs(
      RunView view,
      Submissions submissions,
      ObjectStore store,
      Outbox outbox,
      Clock clock,
      GatewayProperties properties) {
    this.view = view;
    this.submissions = submissions;
    this.store = store;
    this.outbox = outbox;
    this.clock = clock;
    this.properties = properties;
  }

  /**
   * A run by an id from outside.
   *
   * @throws Refusal.NoRun when there is none
   */
  public Run get(String text) {
    RunId id;
    try {
      id = new RunId(text);
    } catch (IllegalArgumentException e) {
      throw new Refusal.NoRun(text);
    }
    return view.get(id)
        // the record of a run comes a moment after its request, or when this gateway has caught up
        .or(() -> submissions.frozen(id).map(FrozenRequest::run))
        .map(this::seenNow)
        .orElseThrow(() -> new Refusal.NoRun(text));
  }

  /** A run with what only the present moment can tell. */
  Run seenNow(Run run) {
    return isStalled(run) ? stalled(run) : run;
  }

  /**
   * Silence of a running stage whose lease has run out: nobody works on it, and somebody should.
   */
  private boolean isStalled(Run run) {
    var updated = run.updatedAt();
    return updated != null
        && updated.isBefore(clock.instant().minus(properties.stalledAfter()))
        && run.stages().values().stream().anyMatch(s -> s.status() == StageState.Status.RUNNING)
        && !isHeld(run.id())
        && !isPaused(run.id());
  }

  /** Whether somebody holds the lease of a run. */
  public boolean isHeld(RunId id) {
    return lease(id).filter(l -> l.expires().isAfter(clock.instant())).isPresent();
  }

  /** Whether somebody asked the run to wait. */
  public boolean isPaused(RunId id) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.control(id))
        .map(stored -> Json.read(stored.bytes(), Control.class))
        .filter(control -> control.desired() == Control.Desired.PAUSED)
        .isPresent();
  }

  /** The lease of a run, held or not. */
  public Optional<LeaseState> lease(RunId id) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.lease(id))
        .map(stored -> Json.read(stored.bytes(), LeaseState.class));
  }

  /**
   * Asks that a run be cancelled: first the control object, which stages obey, then the notice. To
   * ask again changes nothing.
   *
   * @throws Refusal.NotActive when it has succeeded or failed
   */
  Run cancel(String text) {
    var run = get(text);
    switch (run.status()) {
      case SUCCEEDED, FAILED -> throw new Refusal.NotActive(run.id(), word(run.status()));
      case CANCELLED, QUEUED, FETCHING, LABELLING, TRAINING, PAUSED -> {}
    }
    var control =
        change(
            run.id(),
            known ->
                known.desired() == Control.Desired.CANCELLED
                    ? known
                    : known.desiring(Control.Desired.CANCELLED));
    var now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    var event =
        new RunEvent.CancelRequested(run.id(), 1, 1 + control.version(), now, control.version());
    if (run.cancelRequestedAt() == null) {
      outbox.tell(event);
      log.info("{} is to be cancelled", run.id());
    }
    return RunJoin.join(run, event);
  }

  /**
   * Asks that a run wait: its stage ends the attempt at the next unit of work, and nobody begins
   * another. To ask again changes nothing.
   *
   * @throws Refusal.NotActive when it is over, or to be cancelled
   */
  Run pause(String text) {
    return want(text, Control.Desired.RUNNING, Control.Desired.PAUSED);
  }

  /**
   * Asks that a paused run go on, from what lies in the store: its stage is asked for again. A run
   * that nobody paused is left alone.
   *
   * @throws Refusal.NotActive when it is over, or to be cancelled
   */
  Run resume(String text) {
    return want(text, Control.Desired.PAUSED, Control.Desired.RUNNING);
  }

  /**
   * Asks a training for a checkpoint at the end of its step; each time for one more.
   *
   * @throws Refusal.NotActive when the run is over, or to be cancelled
   */
  Run save(String text) {
    return ask(text, Control::askingForSave);
  }

  /**
   * Asks a training for its previews at the end of its step; each time once more.
   *
   * @throws Refusal.NotActive when the run is over, or to be cancelled
   */
  Run preview(String text) {
    return ask(text, Control::askingForPreviews);
  }

  private Run ask(String text, UnaryOperator<Control> wish) {
    var run = get(text);
    if (run.status().isTerminal()) {
      throw new Refusal.NotActive(run.id(), word(run.status()));
    }
    var control =
        change(
            run.id(),
            known -> known.desired() == Control.Desired.CANCELLED ? known : wish.apply(known));
    if (control.desired() == Control.Desired.CANCELLED) {
      throw new Refusal.NotActive(run.id(), word(Run.Status.CANCELLED));
    }
    var now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    var event =
        new RunEvent.ControlChanged(
            run.id(), 1, 1 + control.version(), now, control.desired(), control.version());
    outbox.tell(event);
    return RunJoin.join(run, event);
  }

  private Run want(String text, Control.Desired before, Control.Desired wanted) {
    var run = get(text);
    if (run.status().isTerminal()) {
      throw new Refusal.NotActive(run.id(), word(run.status()));
    }
    var changed = new boolean[1];
    var control =
        change(
            run.id(),
            known -> {
              changed[0] = known.desired() == before;
              return changed[0] ? known.desiring(wanted) : known;
            });
    if (control.desired() == Control.Desired.CANCELLED) {
      throw new Refusal.NotActive(run.id(), word(Run.Status.CANCELLED));
    }
    if (!changed[0]) {
      return run;
    }
    log.info("{} is to be {}", run.id(), wanted);
    var now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    var event =
        new RunEvent.ControlChanged(
            run.id(), 1, 1 + control.version(), now, wanted, control.version());
    outbox.tell(event);
    if (wanted == Control.Desired.RUNNING) {
      submissions.askAgain(run, 1);
    }
    return RunJoin.join(run, event);
  }

  /** Changes what is wanted of a run; what is changed to itself is not written. */
  private Control change(RunId id, UnaryOperator<Control> change) {
    var key = StoreLayout.control(id);
    while (true) {
      var found = store.read(StoreLayout.RUNS, key);
      var known = found.map(s -> Json.read(s.bytes(), Control.class)).orElse(Control.NONE);
      var wanted = change.apply(known);
      if (wanted.equals(known)) {
        return known;
      }
      var bytes = Json.bytes(wanted);
      var won =
          found.isEmpty()
              ? store.putIfAbsent(StoreLayout.RUNS, key, bytes, "application/json")
              : store.putIfMatch(
                  StoreLayout.RUNS, key, bytes, "application/json", found.get().etag());
      if (won.isPresent()) {
        return wanted;
      }
    }
  }

  private static String word(Run.Status status) {
    return status == Run.Status.CANCELLED
        ? "been cancelled"
        : status == Run.Status.FAILED ? "failed" : "succeeded";
  }

  private static Run stalled(Run run) {
    return new Run(
        run.object(),
        run.id(),
        run.name(),
        run.status(),
        true,
        run.attempt(),
        run.createdAt(),
        run.startedAt(),
        run.finishedAt(),
        run.updatedAt(),
        run.request(),
        run.warnings(),
        run.stages(),
        run.cancelRequestedAt(),
        run.error(),
        run.datasetVersion(),
        run.checkpoints(),
        run.artifacts(),
        run.previews(),
        run.validation());
  }
}
