package flora.gateway.run;

import flora.gateway.bus.Outbox;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.request.EffectiveRequest;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.ObjectStore;
import flora.store.Stored;
import java.time.Clock;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

/** Runs come into being here: first the frozen request, then the notice, then the work. */
@Component
public final class Submissions {

  private static final Logger log = LoggerFactory.getLogger(Submissions.class);

  private final ObjectStore store;
  private final Outbox outbox;
  private final RunView view;
  private final Clock clock;
  private final Set<RunId> unannounced = ConcurrentHashMap.newKeySet();

  Submissions(ObjectStore store, Outbox outbox, RunView view, Clock clock) {
    this.store = store;
    this.outbox = outbox;
    this.view = view;
    this.clock = clock;
  }

  /**
   * Freezes a request, unless somebody has frozen one under this id already.
   *
   * @return what lies there now, ours or theirs
   */
  public FrozenRequest freeze(RunId id, EffectiveRequest request, @Nullable Failure refused) {
    var now = clock.instant().truncatedTo(ChronoUnit.MILLIS);
    var bytes = FrozenRequest.bytes(request, now, refused);
    var key = StoreLayout.request(id);
    if (store.putIfAbsent(StoreLayout.RUNS, key, bytes, "application/json").isPresent()) {
      return FrozenRequest.read(id, bytes);
    }
    return frozen(id).orElseThrow(() -> new IllegalStateException(key + " came and went"));
  }

  /**
   * Tells everybody of a run and asks for its first stage. May be done any number of times. When
   * the broker does not answer it is done later: the request is frozen, so nothing is lost.
   */
  public void announce(FrozenRequest frozen) {
    view.expect(frozen.run());
    var said = frozen.events().stream().allMatch(outbox::tell);
    if (said && frozen.work().map(outbox::ask).orElse(true)) {
      unannounced.remove(frozen.id());
      log.info("{} is submitted: {}", frozen.id(), frozen.stages());
    } else {
      unannounced.add(frozen.id());
    }
  }

  /** Tries again what the broker did not take. */
  public void announceAgain() {
    for (var id : Set.copyOf(unannounced)) {
      frozen(id).ifPresent(this::announce);
    }
  }

  /**
   * Asks again for the stage that a run has come to. Two records of one stage do no harm: the lease
   * lets one of them work.
   *
   * @param times attempts to count beside those that have begun
   * @return the stage, when the broker took it
   */
  public Optional<Stage> askAgain(Run run, int times) {
    var stage = current(run);
    var frozen = stage.isEmpty() ? Optional.<FrozenRequest>empty() : frozen(run.id());
    if (frozen.isEmpty()) {
      return Optional.empty();
    }
    var state = run.stages().get(stage.get());
    int attempt = Math.max(1, state == null ? 0 : state.attempt()) + times;
    var work = Work.of(stage.get(), run.id(), frozen.get().object(), attempt);
    return outbox.ask(work) ? stage : Optional.empty();
  }

  /** The first stage that has not succeeded. */
  public static Optional<Stage> current(Run run) {
    return run.stages().entrySet().stream()
        .filter(
            s ->
                s.getValue().status() == StageState.Status.PENDING
                    || s.getValue().status() == StageState.Status.RUNNING)
        .map(Map.Entry::getKey)
        .findFirst();
  }

  /** The frozen request of a run. */
  public Optional<FrozenRequest> frozen(RunId id) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.request(id))
        .map(Stored::bytes)
        .map(bytes -> FrozenRequest.read(id, bytes));
  }
}
