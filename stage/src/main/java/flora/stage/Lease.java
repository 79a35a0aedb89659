package flora.stage;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.run.LeaseState;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The right to work on a run, held in {@code runs/{id}/lease.json}. The queue only distributes: who
 * holds the lease is who works. Every taking raises the epoch, so that what an earlier holder still
 * writes can be told apart and refused.
 *
 * <p>A lease that was released, or that nobody renewed in time by the taker's clock, is free.
 * Clocks that disagree cost time or double work, never a wrong result: fencing does not look at
 * clocks.
 */
final class Lease {

  private static final String TYPE = "application/json";

  private final ObjectStore store;
  private final Clock clock;
  private final RunId run;
  private final Duration length;
  private LeaseState state;
  private String etag;
  private boolean held = true;

  private Lease(
      ObjectStore store, Clock clock, RunId run, Duration length, LeaseState state, String etag) {
    this.store = store;
    this.clock = clock;
    this.run = run;
    this.length = length;
    this.state = state;
    this.etag = etag;
  }

  /** What came of trying to take a lease. */
  sealed interface Try {

    /** It is ours. */
    record Taken(Lease lease) implements Try {}

    /** Somebody works on the run. */
    record Busy(LeaseState by) implements Try {}
  }

  /**
   * Takes the lease when it is free, or when it is ours already from a life before.
   *
   * @param owner this worker; no two workers that live at the same time share a name
   */
  static Try take(
      ObjectStore store, Clock clock, RunId run, Stage stage, String owner, Duration length) {
    while (true) {
      var stored = store.read(StoreLayout.RUNS, StoreLayout.lease(run));
      var before = stored.map(s -> Json.read(s.bytes(), LeaseState.class)).orElse(null);
      var now = clock.instant();
      if (before != null && now.isBefore(before.expires()) && !before.owner().equals(owner)) {
        return new Try.Busy(before);
      }
      var mine = next(before, stage, owner, now.plus(length));
      var etag =
          stored.isEmpty()
              ? store.putIfAbsent(StoreLayout.RUNS, StoreLayout.lease(run), Json.bytes(mine), TYPE)
              : put(store, run, mine, stored.get().etag());
      if (etag.isPresent()) {
        return new Try.Taken(new Lease(store, clock, run, length, mine, etag.get()));
      }
      // another was faster: look again
    }
  }

  /** Grows with every taking; everything written under an older one is a zombie's. */
  long epoch() {
    return state.epoch();
  }

  /** How often this stage was taken, this time included. */
  int attempt() {
    return state.attempts().getOrDefault(state.stage(), 1);
  }

  /** Keeps it for another while; false when another has taken it, and then it is gone for good. */
  synchronized boolean renew() {
    return held && write(clock.instant().plus(length));
  }

  /** Lets the next one have it at once. */
  synchronized void release() {
    if (held) {
      write(clock.instant());
      held = false;
    }
  }

  private boolean write(Instant expires) {
    var next =
        new LeaseState(state.stage(), state.owner(), state.epoch(), state.attempts(), expires);
    var written = put(store, run, next, etag).or(() -> putOverOwn(next));
    if (written.isEmpty()) {
      held = false;
      return false;
    }
    state = next;
    etag = written.get();
    return true;
  }

  /** A write of ours whose answer was lost has changed the etag: what lies there is still ours. */
  private Optional<String> putOverOwn(LeaseState next) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.lease(run))
        .filter(
            there -> {
              var now = Json.read(there.bytes(), LeaseState.class);
              return now.epoch() == state.epoch() && now.owner().equals(state.owner());
            })
        .flatMap(there -> put(store, run, next, there.etag()));
  }

  /** Who holds, or last held, a run's lease. */
  static Optional<LeaseState> peek(ObjectStore store, RunId run) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.lease(run))
        .map(stored -> Json.read(stored.bytes(), LeaseState.class));
  }

  private static Optional<String> put(ObjectStore store, RunId run, LeaseState state, String etag) {
    return store.putIfMatch(
        StoreLayout.RUNS, StoreLayout.lease(run), Json.bytes(state), TYPE, etag);
  }

  private static LeaseState next(
      @Nullable LeaseState before, Stage stage, String owner, Instant expires) {
    Map<Stage, Integer> attempts = new EnumMap<>(Stage.class);
    if (before != null) {
      attempts.putAll(before.attempts());
    }
    attempts.merge(stage, 1, Integer::sum);
    return new LeaseState(stage, owner, before == null ? 1 : before.epoch() + 1, attempts, expires);
  }
}
