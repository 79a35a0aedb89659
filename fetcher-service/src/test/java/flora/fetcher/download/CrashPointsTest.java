package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fetcher.download.Instance.Source;
import flora.fetcher.download.ObservedStore.Step;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * A fetch that ends, or stands still, before and after each single operation that it asks of the
 * store, while another instance goes on.
 */
class CrashPointsTest {

  private static final Duration SILENCE = Duration.ofMillis(400);
  private static final int AT_ONCE = 6;
  private static final Executor THREADS = task -> Thread.ofVirtual().start(task);

  /** One of two parts by its digest, one of two parts by its git id, a small one. */
  private static final FakeRepo REPO =
      FakeRepo.model("flora/crash")
          .noise("model.safetensors", (8 << 20) + 1234)
          .noise("vocab.txt", (8 << 20) + 99)
          .file("config.json", "{}");

  private static MemoryObjectStore store() {
    var store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return store;
  }

  /** All steps of a fetch that nobody disturbs, how often each is made. */
  private static Map<Step, Integer> steps() throws Exception {
    var steps = new ConcurrentLinkedQueue<Step>();
    var store = new ObservedStore(store(), steps::add);
    try (var hub = FakeHub.start(0).add(REPO);
        var instance = instance(store, hub)) {
      instance.fetch(REPO.id());
    }
    var counts = new TreeMap<Step, Integer>(Comparator.comparing(Step::toString));
    steps.forEach(step -> counts.merge(step, 1, Integer::sum));
    return counts;
  }

  private static Instance instance(ObjectStore store, FakeHub hub) {
    return new Instance(store, SILENCE, List.of(Source.hub(hub.endpoint())));
  }

  /** One scene after the other for each step, some at once. */
  private static void forEachStep(Scene scene) throws Exception {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var threads = new ArrayList<Future<?>>();
    try (var pool = Executors.newFixedThreadPool(AT_ONCE)) {
      steps()
          .forEach(
              (step, times) -> {
                for (int n = 1; n <= Math.min(times, 3); n++) {
                  int nth = n;
                  threads.add(
                      pool.submit(
                          () -> {
                            try {
                              scene.play(step, nth);
                            } catch (Exception | AssertionError e) {
                              failures.add(
                                  new AssertionError(nth + ". " + step + ": " + e.getMessage(), e));
                            }
                          }));
                }
              });
    }
    assertThat(threads).hasSizeGreaterThan(30);
    assertThat(failures).as("scenes that went wrong").isEmpty();
  }

  private interface Scene {
    void play(Step step, int nth) throws Exception;
  }

  @Test
  void whereverAnInstanceDiesAnotherOneGoesOnAndNothingIsLeft() throws Exception {
    forEachStep(
        (step, nth) -> {
          var store = store();
          var remains = new Remains(store);
          var trap = new Trap(step::equals, nth, Trap.Fate.DEATH);
          try (var hub = FakeHub.start(0).add(REPO)) {
            try (var first = instance(new ObservedStore(store, trap), hub)) {
              first.fetch(REPO.id());
            } catch (RuntimeException e) {
              assertThat(trap.hasSprung()).as(String.valueOf(e)).isTrue();
            }
            remains.requireThatWhatCountsIsRight();
            var stored = Ranges.stored(store, REPO);
            hub.forget();

            try (var second = instance(store, hub)) {
              remains.requirePublished(REPO, second.fetch(REPO.id()));
            }

            assertThat(stored.sentAgain(hub)).as("bytes of stored parts, sent again").isZero();
          }
          remains.requireThatWhatCountsIsRight();
          remains.requireNothingLeftOver();
        });
  }

  @Test
  void whereverAnInstanceFallsAsleepItDoesNoHarmWhenItWakes() throws Exception {
    forEachStep(
        (step, nth) -> {
          var store = store();
          var remains = new Remains(store);
          var trap = new Trap(step::equals, nth, Trap.Fate.SLEEP);
          try (var hub = FakeHub.start(0).add(REPO);
              var sleeper = instance(new ObservedStore(store, trap), hub);
              var other = instance(store, hub)) {
            var slept = CompletableFuture.supplyAsync(() -> fetch(sleeper), THREADS);
            while (!trap.hasSprung() && !slept.isDone()) {
              Thread.sleep(5);
            }
            remains.requirePublished(REPO, other.fetch(REPO.id()));
            trap.open();
            remains.requirePublished(REPO, slept.get(60, TimeUnit.SECONDS));
          }
          remains.requireThatWhatCountsIsRight();
          remains.requireNothingLeftOver();
        });
  }

  private static ObjectRef fetch(Instance instance) {
    try {
      return instance.fetch(REPO.id());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
