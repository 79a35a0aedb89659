package flora.gateway.projection;

import flora.gateway.GatewayProperties;
import flora.gateway.run.FrozenRequest;
import flora.gateway.run.RunView;
import flora.gateway.run.Runs;
import flora.gateway.run.Submissions;
import flora.schemas.PipelineException;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.run.LeaseState;
import flora.schemas.run.Run;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * The second look: a run that has not ended and that nobody holds is asked for again, and a run
 * whose request was frozen by a gateway that died before it could say so is announced. Both may
 * happen once too often; leases and the join make that harmless.
 */
@Component
final class Reconciler implements SmartLifecycle {

  private static final Logger log = LoggerFactory.getLogger(Reconciler.class);

  /** A run that waits behind many others is not asked for more often than this. */
  private static final Duration LONGEST_WAIT = Duration.ofMinutes(30);

  private final Projection projection;
  private final RunView view;
  private final Runs runs;
  private final Submissions submissions;
  private final ObjectStore store;
  private final Clock clock;
  private final GatewayProperties.Reconcile timing;
  private final Map<RunId, Asked> asked = new HashMap<>();
  private volatile boolean running;
  private @Nullable Thread worker;
  private Instant nextScan = Instant.MIN;

  /** How often a stage was asked for again, and when last. */
  private record Asked(Stage stage, int times, Instant last) {}

  Reconciler(
      Projection projection,
      RunView view,
      Runs runs,
      Submissions submissions,
      ObjectStore store,
      Clock clock,
      GatewayProperties properties) {
    this.projection = projection;
    this.view = view;
    this.runs = runs;
    this.submissions = submissions;
    this.store = store;
    this.clock = clock;
    timing = properties.reconcile();
  }

  @Override
  public void start() {
    running = true;
    worker = Thread.ofVirtual().name("reconciler").start(this::work);
  }

  @Override
  public void stop() {
    running = false;
    if (worker != null) {
      worker.interrupt();
    }
  }

  @Override
  public boolean isRunning() {
    return running;
  }

  private void work() {
    while (running) {
      try {
        if (view.isCaughtUp()) {
          look();
        }
        Thread.sleep(view.isCaughtUp() ? timing.every() : Duration.ofMillis(200));
      } catch (PipelineException e) {
        if (running) {
          log.warn("the second look failed, later again: {}", e.getMessage());
          nap();
        }
      } catch (RuntimeException e) {
        // one thing that cannot be read must not end the looking for all others
        log.error("the second look met what nobody foresaw, later again", e);
        nap();
      } catch (InterruptedException e) {
        return;
      }
    }
  }

  private void nap() {
    try {
      Thread.sleep(timing.every());
    } catch (InterruptedException e) {
      running = false;
    }
  }

  private void look() throws InterruptedException {
    submissions.announceAgain();
    var now = clock.instant();
    if (!now.isBefore(nextScan)) {
      announceUnmentioned();
      nextScan = now.plus(timing.scanEvery());
    }
    for (var run : view.all()) {
      if (run.status().isTerminal()) {
        asked.remove(run.id());
      } else if (projection.owns(run.id())) {
        askAgain(run, now);
      }
    }
  }

  private void askAgain(Run run, Instant now) {
    var stage = Submissions.current(run);
    var since = now.minus(timing.orphanedAfter());
    if (stage.isEmpty() || (run.updatedAt() != null && run.updatedAt().isAfter(since))) {
      return;
    }
    var before = Optional.ofNullable(asked.get(run.id())).filter(a -> a.stage() == stage.get());
    if (before.isPresent() && before.get().last().plus(wait(before.get())).isAfter(now)) {
      return;
    }
    var lease = runs.lease(run.id());
    if (lease.map(LeaseState::expires).filter(e -> e.isAfter(since)).isPresent()) {
      return;
    }
    if (runs.isPaused(run.id())) {
      return;
    }
    int times = before.map(Asked::times).orElse(0) + 1;
    submissions
        .askAgain(run, times)
        .ifPresent(
            which -> {
              asked.put(run.id(), new Asked(which, times, now));
              log.info("{} has no worker: asked for {} again", run.id(), which.id());
            });
  }

  /** Longer each time: a queue that is merely long must not grow by our doing. */
  private Duration wait(Asked before) {
    var wait = timing.orphanedAfter().multipliedBy(1L << Math.min(before.times(), 10));
    return wait.compareTo(LONGEST_WAIT) > 0 ? LONGEST_WAIT : wait;
  }

  private void announceUnmentioned() {
    for (var id : unmentioned()) {
      submissions.frozen(id).ifPresent(this::announceUnlessKnown);
    }
  }

  private void announceUnlessKnown(FrozenRequest frozen) {
    if (!view.isAnnounced(frozen.id())) {
      log.info("{} was frozen and never announced", frozen.id());
      submissions.announce(frozen);
    }
  }

  private List<RunId> unmentioned() {
    var found = new ArrayList<RunId>();
    try (var objects = store.list(StoreLayout.RUNS, "runs/")) {
      objects
          .map(o -> o.key().split("/", -1))
          .filter(parts -> parts.length == 3 && parts[2].equals("request.json"))
          .forEach(
              parts -> {
                try {
                  var id = new RunId(parts[1]);
                  if (!view.isAnnounced(id)) {
                    found.add(id);
                  }
                } catch (IllegalArgumentException e) {
                  log.debug("runs/{} is not ours", parts[1]);
                }
              });
    }
    return found;
  }
}
