package flora.trainer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.CheckpointManifest;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.store.memory.MemoryObjectStore;
import flora.trainer.RecordingContext;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.function.Function;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(30)
class SavesTest {

  private static final RunId RUN = RunId.of("saves");

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  /** What a slow store waits for before it says that a checkpoint is there. */
  private final CountDownLatch slow = new CountDownLatch(1);

  private final RecordingContext context =
      new RecordingContext(store, RUN, 1) {
        @Override
        public void publish(Function<EventStamp, Event> event) {
          try {
            slow.await();
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
          super.publish(event);
        }
      };

  @TempDir Path folder;

  @BeforeEach
  void prepare() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  @Test
  void whoeverHandsOneOverGoesOnAtOnce() {
    try (var saves = saves(context)) {
      saves.save(state(1), SavesTest::write); // would hang
      saves.check();
      assertThat(context.events()).isEmpty();

      slow.countDown();
      assertThat(saves.newest().orElseThrow().state().step()).isEqualTo(1);
    }
    assertThat(context.events(CheckpointSaved.class)).hasSize(1);
  }

  @Test
  void oneIsWrittenAfterTheOtherAndTheFilesOfTheLastStayAtHand() throws IOException {
    slow.countDown();
    try (var saves = saves(context)) {
      for (int step = 1; step <= 3; step++) {
        saves.save(state(step), SavesTest::write);
      }
      var newest = saves.newest().orElseThrow();

      assertThat(newest.folder().resolve(CheckpointManifest.ADAPTER)).hasContent("adapter");
      assertThat(context.events(CheckpointSaved.class))
          .extracting(CheckpointSaved::step)
          .containsExactly(1L, 2L, 3L);
      try (var left = Files.list(folder)) {
        assertThat(left).containsExactly(newest.folder());
      }
    }
  }

  @Test
  void whatGoesWrongIsThrownAtTheNextStep() {
    slow.countDown();
    try (var saves = saves(context)) {
      var disk = new UncheckedIOException(new IOException("disk full"));
      saves.save(
          state(1),
          _ -> {
            throw disk;
          });

      await()
          .atMost(Duration.ofSeconds(10))
          .untilAsserted(() -> assertThatThrownBy(saves::check).isSameAs(disk));
      assertThat(saves.newest()).isEmpty();
    }
  }

  @Test
  void theLastOneIsFinishedAlsoByWhoeverIsToldToStop() {
    var saves = saves(context);
    saves.save(state(1), SavesTest::write);
    Thread.currentThread().interrupt();
    Thread.ofVirtual()
        .start(
            () -> {
              await().during(Duration.ofMillis(100)).until(() -> context.events().isEmpty());
              slow.countDown();
            });
    saves.close();

    assertThat(Thread.interrupted()).isTrue();
    assertThat(context.events(CheckpointSaved.class)).hasSize(1);
  }

  private Saves saves(RecordingContext told) {
    return new Saves(new CheckpointStore(store, told, 2), folder);
  }

  private static void write(Path own) {
    try {
      Files.writeString(own.resolve(CheckpointManifest.ADAPTER), "adapter");
      Files.writeString(own.resolve(CheckpointManifest.OPTIMIZER), "moments");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static TrainingState state(long step) {
    var digest = new Sha256("a".repeat(64));
    var here = new ComputeFingerprint("pytorch 2.7.1", "amd64", 2, "cpu");
    return TrainingState.beginning(42, digest, digest, Map.of(), here)
        .at(step, new LossLog(), null, Journal.NONE);
  }
}
