package flora.trainer.checkpoint;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.CheckpointManifest;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.stage.StageContext.LeaseLost;
import flora.store.ObjectInfo;
import flora.store.memory.MemoryObjectStore;
import flora.trainer.RecordingContext;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointStoreTest {

  private static final RunId RUN = RunId.of("checkpoints");

  @TempDir Path folder;

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @BeforeEach
  void makeBucket() {
    store.ensureBucket(StoreLayout.RUNS);
  }

  @Test
  void whatWasSavedLastIsLoaded() throws IOException {
    save(attempt(1), 100, "first");
    save(attempt(1), 200, "second");

    var loaded = checkpoints(attempt(2), 3).newest(folder()).orElseThrow();

    assertThat(loaded.state()).isEqualTo(state(200));
    assertThat(loaded.folder().resolve(CheckpointManifest.ADAPTER)).hasContent("adapter second");
    assertThat(loaded.folder().resolve(CheckpointManifest.OPTIMIZER)).hasContent("moments second");
  }

  @Test
  void aRunWithoutCheckpointBeginsAnew() throws IOException {
    assertThat(checkpoints(attempt(1), 3).newest(folder())).isEmpty();
  }

  @Test
  void aCheckpointThatTheHeadDoesNotNameIsNotSeen() throws IOException {
    save(attempt(1), 100, "first");
    var head = store.read(StoreLayout.RUNS, StoreLayout.head(RUN)).orElseThrow();
    save(attempt(1), 200, "second");
    // as if the worker had died before it changed the head
    store.put(StoreLayout.RUNS, StoreLayout.head(RUN), head.bytes(), "application/json");

    assertThat(checkpoints(attempt(2), 3).newest(folder()).orElseThrow().state().step())
        .isEqualTo(100);
  }

  @Test
  void aDamagedCheckpointIsPassedOverForTheOneBefore() throws IOException {
    save(attempt(1), 100, "first");
    save(attempt(1), 200, "second");
    store.put(
        StoreLayout.RUNS,
        StoreLayout.attempt(RUN, 1, "checkpoints/step-000200/optimizer.safetensors"),
        "rotten".getBytes(),
        "application/octet-stream");

    var loaded = checkpoints(attempt(2), 3).newest(folder()).orElseThrow();

    assertThat(loaded.state().step()).isEqualTo(100);
    assertThat(loaded.folder().resolve(CheckpointManifest.OPTIMIZER)).hasContent("moments first");
  }

  @Test
  void onlyTheNewestAreKept() throws IOException {
    save(attempt(1), 100, "a");
    save(attempt(1), 200, "b");
    save(attempt(2), 300, "c");
    save(attempt(2), 400, "d");

    assertThat(keys())
        .hasSize(8)
        .allMatch(key -> key.contains("step-000300/") || key.contains("step-000400/"));
  }

  @Test
  void whatAnEarlierAttemptLeftHalfDoneIsRemoved() throws IOException {
    var half = StoreLayout.attempt(RUN, 1, "checkpoints/step-000100/adapter.safetensors");
    store.put(StoreLayout.RUNS, half, new byte[3], "application/octet-stream");

    save(attempt(2), 100, "whole");

    assertThat(keys()).hasSize(4).doesNotContain(half);
  }

  @Test
  void everybodyIsToldWithTheMeanLossSinceTheOneBefore() throws IOException {
    var context = attempt(1);
    save(context, 100, "a");

    assertThat(context.events(CheckpointSaved.class))
        .singleElement()
        .satisfies(
            saved -> {
              assertThat(saved.step()).isEqualTo(100);
              assertThat(saved.loss()).isEqualTo(0.5);
              assertThat(saved.manifest()).isEqualTo(context.head().checkpoint().manifest());
            });
  }

  @Test
  void aZombieChangesNothing() throws IOException {
    var zombie = attempt(1);
    save(attempt(2), 200, "mine");

    assertThatThrownBy(() -> save(zombie, 300, "late")).isInstanceOf(LeaseLost.class);

    assertThat(zombie.events()).isEmpty();
    assertThat(checkpoints(attempt(3), 3).newest(folder()).orElseThrow().state().step())
        .isEqualTo(200);
  }

  private void save(RecordingContext context, long step, String what) throws IOException {
    var files = folder();
    Files.writeString(files.resolve(CheckpointManifest.ADAPTER), "adapter " + what);
    Files.writeString(files.resolve(CheckpointManifest.OPTIMIZER), "moments " + what);
    checkpoints(context, 2).save(state(step), files);
  }

  private CheckpointStore checkpoints(RecordingContext context, int keep) {
    return new CheckpointStore(store, context, keep);
  }

  private RecordingContext attempt(int attempt) {
    return new RecordingContext(store, RUN, attempt);
  }

  private Path folder() throws IOException {
    return Files.createTempDirectory(folder, "files");
  }

  private List<String> keys() {
    try (var objects = store.list(StoreLayout.RUNS, StoreLayout.runFolder(RUN) + "attempts/")) {
      return objects.map(ObjectInfo::key).toList();
    }
  }

  private static TrainingState state(long step) {
    return new TrainingState(
        TrainingState.FORMAT,
        step,
        42,
        new Sha256("a".repeat(64)),
        new Sha256("b".repeat(64)),
        Map.of("base_model/unet/diffusion_pytorch_model.safetensors", new Sha256("c".repeat(64))),
        new ComputeFingerprint("pytorch 2.7.1", "amd64", 2, "cpu"),
        List.of(0.25, 0.75),
        1.0,
        2,
        new Judged(1, 0.125, 3),
        new Journal(0.5, 1, 2, 3.5, 4, 5));
  }
}
