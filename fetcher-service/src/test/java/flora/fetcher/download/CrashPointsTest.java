package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.When;
import flora.fetcher.download.Instance.Source;
import flora.fetcher.download.ObservedStore.Step;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
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
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * A fetch that ends, or stands still, before and after each single operation that it asks of the
 * store, while another instance goes on.
 */
class CrashPointsTest {

  private static final Duration SILENCE = Duration.ofMillis(400);
  private static final int AT_ONCE = 6;
  private static final int MOST_TIMES = 3;
  private static final String WEIGHTS = "model.safetensors";
  private static final Executor THREADS = task -> Thread.ofVirtual().start(task);

  /** One of two parts by its digest, one of two parts by its git id, a small one. */
  private static final FakeRepo REPO =
      FakeRepo.model("flora/crash")
          .noise(WEIGHTS, (8 << 20) + 1234)
          .noise("vocab.txt", (8 << 20) + 99)
          .file("config.json", "{}");

  private static final FakeRepo SPOILT_REPO =
      FakeRepo.model("flora/spoilt").noise(WEIGHTS, (8 << 20) + 1234);

  /** What a fetch finds. */
  enum Staging {
    /** Nothing yet. */
    EMPTY,
    /** Parts with wrong bytes, stored by somebody who was killed. */
    SPOILT;

    private final FakeRepo repo() {
      return this == EMPTY ? REPO : SPOILT_REPO;
    }

    /** A hub and a store. */
    private Stage stage() throws Exception {
      var store = new MemoryObjectStore(Clock.systemUTC());
      StoreLayout.BUCKETS.forEach(store::ensureBucket);
      var hub = FakeHub.start(0).add(repo());
      if (this == SPOILT) {
        hub.fault(WEIGHTS, When.always(), new Fault.WrongBytes(1 << 20));
        var trap = new Trap(Trap.on(false, "part", ""), 2, Trap.Fate.DEATH);
        try (var liar = instance(new ObservedStore(store, trap), hub)) {
          assertThatThrownBy(() -> liar.fetch(repo().id())).hasMessageContaining("dead");
        }
        hub.behave();
      }
      return new Stage(repo(), store, hub);
    }
  }

  /** Where a scene plays. */
  private static final class Stage implements AutoCloseable {

    private final FakeRepo repo;
    private final MemoryObjectStore real;
    private final ObjectStore store;
    private final FakeHub hub;

    /** Blobs that were taken away although they counted. */
    private final Collection<String> robbed = new ConcurrentLinkedQueue<>();

    Stage(FakeRepo repo, MemoryObjectStore real, FakeHub hub) {
      this.repo = repo;
      this.real = real;
      this.store = new ObservedStore(real, this::at);
      this.hub = hub;
    }

    private void at(Step step) {
      boolean isLoss = step.operation().equals("delete") && step.isBefore();
      if (isLoss && real.head(StoreLayout.MODELS, step.key() + ".verified").isPresent()) {
        robbed.add(step.key());
      }
    }

    FakeRepo repo() {
      return repo;
    }

    ObjectStore store() {
      return store;
    }

    FakeHub hub() {
      return hub;
    }

    Remains remains() {
      return new Remains(store);
    }

    Instance instance() {
      return CrashPointsTest.instance(store, hub);
    }

    Instance instance(Trap trap) {
      return CrashPointsTest.instance(new ObservedStore(store, trap), hub);
    }

    @Override
    public void close() {
      hub.close();
    }
  }

  private interface Scene {
    void play(Stage stage, Step step, int nth) throws Exception;
  }

  private static Instance instance(ObjectStore store, FakeHub hub) {
    return new Instance(store, SILENCE, List.of(Source.hub(hub.endpoint())));
  }

  /** All steps of a fetch that nobody disturbs, how often each is made. */
  private static Map<Step, Integer> steps(Staging staging) throws Exception {
    var steps = new ConcurrentLinkedQueue<Step>();
    try (var stage = staging.stage();
        var instance = instance(new ObservedStore(stage.store(), steps::add), stage.hub())) {
      instance.fetch(stage.repo().id());
    }
    var counts = new TreeMap<Step, Integer>(Comparator.comparing(Step::toString));
    steps.forEach(step -> counts.merge(step, 1, Integer::sum));
    return counts;
  }

  /** One scene for each step, some at once. */
  private static void forEachStep(Staging staging, Scene scene) throws Exception {
    var failures = new ConcurrentLinkedQueue<Throwable>();
    var scenes = new ArrayList<Future<?>>();
    try (var pool = Executors.newFixedThreadPool(AT_ONCE)) {
      steps(staging)
          .forEach(
              (step, times) -> {
                for (int n = 1; n <= Math.min(times, MOST_TIMES); n++) {
                  int nth = n;
                  scenes.add(pool.submit(() -> play(staging, scene, step, nth, failures)));
                }
              });
    }
    assertThat(scenes).hasSizeGreaterThan(30);
    assertThat(failures).as("scenes that went wrong, of %d", scenes.size()).isEmpty();
  }

  private static void play(
      Staging staging, Scene scene, Step step, int nth, Collection<Throwable> failures) {
    try (var stage = staging.stage()) {
      scene.play(stage, step, nth);
      stage.remains().requireThatWhatCountsIsRight();
      stage.remains().requireNothingLeftOver();
      assertThat(stage.robbed).as("blobs that were published and taken away").isEmpty();
    } catch (Exception | AssertionError e) {
      failures.add(new AssertionError(nth + ". " + step + ": " + e.getMessage(), e));
    }
  }

  @ParameterizedTest
  @EnumSource
  void whereverAnInstanceDiesAnotherOneGoesOnAndNothingIsLeft(Staging staging) throws Exception {
    forEachStep(
        staging,
        (stage, step, nth) -> {
          var trap = new Trap(step::equals, nth, Trap.Fate.DEATH);
          try (var first = stage.instance(trap)) {
            first.fetch(stage.repo().id());
          } catch (RuntimeException e) {
            assertThat(trap.hasSprung()).as(String.valueOf(e)).isTrue();
          }
          stage.remains().requireThatWhatCountsIsRight();
          var stored = Ranges.stored(stage.store(), stage.repo());
          stage.hub().forget();

          try (var second = stage.instance()) {
            var manifest = second.fetch(stage.repo().id());
            stage.remains().requirePublished(stage.repo(), manifest);
          }

          if (staging == Staging.EMPTY) {
            assertThat(stored.sentAgain(stage.hub()))
                .as("bytes of stored parts, sent again")
                .isZero();
          }
        });
  }

  @ParameterizedTest
  @EnumSource
  void whereverAnInstanceFallsAsleepItDoesNoHarmWhenItWakes(Staging staging) throws Exception {
    forEachStep(
        staging,
        (stage, step, nth) -> {
          var trap = new Trap(step::equals, nth, Trap.Fate.SLEEP);
          var repo = stage.repo();
          try (var sleeper = stage.instance(trap);
              var other = stage.instance()) {
            var slept = CompletableFuture.supplyAsync(() -> fetch(sleeper, repo), THREADS);
            while (!trap.hasSprung() && !slept.isDone()) {
              Thread.sleep(5);
            }
            stage.remains().requirePublished(repo, other.fetch(repo.id()));
            trap.open();
            stage.remains().requirePublished(repo, slept.get(60, TimeUnit.SECONDS));
          }
        });
  }

  private static ObjectRef fetch(Instance instance, FakeRepo repo) {
    try {
      return instance.fetch(repo.id());
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
