package flora.gateway.intake;

import flora.gateway.GatewayProperties;
import flora.schemas.PipelineException;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;

/**
 * Looks into the incoming folders and starts a run for each one that has been quiet for a while.
 * Looking alone is enough; a hint only makes it look sooner, so that the quiet time begins when the
 * last file came.
 */
@Component
final class Intake implements SmartLifecycle {

  private static final Logger log = LoggerFactory.getLogger(Intake.class);

  /** Many hints in a moment are one. */
  private static final Duration BREATH = Duration.ofMillis(200);

  private final ObjectStore store;
  private final DroppedFolder dropped;
  private final Clock clock;
  private final GatewayProperties.Intake timing;
  private final Semaphore hints = new Semaphore(0);
  private final Map<String, Seen> folders = new HashMap<>();
  private volatile boolean running;
  private @Nullable Thread worker;

  /** A folder as it was first seen so. */
  private record Seen(Drop drop, Instant since, boolean done) {}

  Intake(ObjectStore store, DroppedFolder dropped, Clock clock, GatewayProperties properties) {
    this.store = store;
    this.dropped = dropped;
    this.clock = clock;
    timing = properties.intake();
  }

  /** Something may have changed. */
  void hint() {
    hints.release();
  }

  @Override
  public void start() {
    running = timing.enabled();
    if (running) {
      worker = Thread.ofVirtual().name("intake").start(this::work);
    }
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
    try {
      while (running) {
        lookOnce();
        if (hints.tryAcquire(untilNextLook().toMillis(), TimeUnit.MILLISECONDS)) {
          Thread.sleep(BREATH);
          hints.drainPermits();
        }
      }
    } catch (InterruptedException e) {
      log.debug("intake ends");
    }
  }

  private void lookOnce() {
    try {
      look();
    } catch (PipelineException e) {
      if (running) {
        log.warn("the incoming folders are not seen, later again: {}", e.getMessage());
      }
    } catch (RuntimeException e) {
      log.error("the incoming folders hold what nobody foresaw, later again", e);
    }
  }

  /** Sooner than usual when a folder is about to have been quiet long enough. */
  private Duration untilNextLook() {
    var now = clock.instant();
    var next = timing.every();
    for (var seen : folders.values()) {
      var left = Duration.between(now, seen.since().plus(timing.quiet()));
      if (!seen.done() && left.compareTo(next) < 0) {
        next = left.isNegative() ? timing.every() : left.plusMillis(20);
      }
    }
    return next.isNegative() ? Duration.ZERO : next;
  }

  private void look() {
    var now = clock.instant();
    var found = list();
    folders.keySet().retainAll(found.keySet());
    for (var drop : found.values()) {
      var before = folders.get(drop.folder());
      if (before == null || !before.drop().listing().equals(drop.listing())) {
        folders.put(drop.folder(), new Seen(drop, now, false));
      } else if (!before.done() && !before.since().plus(timing.quiet()).isAfter(now)) {
        dropped.take(before.drop());
        folders.put(drop.folder(), new Seen(before.drop(), before.since(), true));
      }
    }
  }

  /** The folders as they are; the store lists keys in order, but not folders one by one. */
  private Map<String, Drop> list() {
    var counters = new HashMap<String, Drop.Counter>();
    try (var objects = store.list(StoreLayout.DATASETS, StoreLayout.INCOMING)) {
      objects.forEach(
          o -> {
            var rest = o.key().substring(StoreLayout.INCOMING.length());
            int slash = rest.indexOf('/');
            if (slash > 0 && slash < rest.length() - 1) {
              counters.computeIfAbsent(rest.substring(0, slash), Drop.Counter::new).add(o);
            }
          });
    }
    var drops = new TreeMap<String, Drop>();
    counters.forEach((folder, counter) -> drops.put(folder, counter.drop()));
    return drops;
  }
}
