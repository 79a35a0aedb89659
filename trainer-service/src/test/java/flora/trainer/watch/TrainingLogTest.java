package flora.trainer.watch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.store.memory.MemoryObjectStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainingLogTest {

  private static final Instant BEGUN = Instant.parse("2026-01-02T03:04:05Z");

  @TempDir Path folder;

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @BeforeEach
  void makeBucket() {
    store.ensureBucket(StoreLayout.RUNS);
  }

  private TrainingLog open(RunId run, long epoch, long done) throws IOException {
    return TrainingLog.open(
        store,
        run,
        epoch,
        done,
        Files.createDirectory(folder.resolve("attempt-" + epoch)),
        Clock.fixed(BEGUN.plusSeconds(100 * epoch), ZoneOffset.UTC),
        new ResourceMeter(System::nanoTime, List.of("no-such-program")));
  }

  private static double step(TrainingLog log, long step) {
    return log.step(step, loss(step), 1e-4, 0.5, 2);
  }

  private static double loss(long step) {
    return 1 + Math.sin(step);
  }

  private List<StepMetrics> lines(RunId run, long epoch) {
    var key = StoreLayout.attempt(run, epoch, "logs/metrics.jsonl");
    var bytes = store.read(StoreLayout.RUNS, key).orElseThrow().bytes();
    return new String(bytes, StandardCharsets.UTF_8)
        .lines()
        .map(line -> Json.read(line.getBytes(StandardCharsets.UTF_8), StepMetrics.class))
        .toList();
  }

  @Test
  void goesOnWithTheLinesOfTheAttemptBefore() throws IOException {
    var run = RunId.of("goes-on");
    try (var killed = open(run, 1, 0)) {
      LongStream.rangeClosed(1, 10).forEach(step -> step(killed, step));
    }
    double average;
    List<Artifact> artifacts;
    try (var resumed = open(run, 3, 6)) {
      step(resumed, 7);
      average = step(resumed, 8);
      artifacts = resumed.finish();
    }

    assertThat(lines(run, 3))
        .extracting(StepMetrics::step)
        .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
    assertThat(lines(run, 3)).extracting(StepMetrics::at).startsWith(BEGUN.plusSeconds(100));
    var undisturbed = new SmoothedLoss();
    double expected = 0;
    for (int step = 1; step <= 8; step++) {
      expected = undisturbed.add(loss(step));
    }
    assertThat(average).isCloseTo(expected, within(1e-12));
    assertThat(artifacts)
        .extracting(Artifact::name)
        .containsExactly("logs/metrics.jsonl", "logs/events.out.tfevents.flora");
    // seven points a step, and what kind of file it is
    var events = store.read(StoreLayout.RUNS, artifacts.getLast().object().key()).orElseThrow();
    assertThat(records(events.bytes())).isEqualTo(1 + 8 * 7);
  }

  @Test
  void whatHeldOutPicturesSayIsALineOfItsOwnAndGoesOnToo() throws IOException {
    var run = RunId.of("validated");
    try (var killed = open(run, 1, 0)) {
      step(killed, 1);
      killed.validated(1, 0.25);
    }
    List<Artifact> artifacts;
    try (var resumed = open(run, 2, 1)) {
      step(resumed, 2);
      artifacts = resumed.finish();
    }

    var lines = new String(bytes(artifacts.getFirst()), StandardCharsets.UTF_8).lines().toList();
    assertThat(lines).hasSize(3);
    assertThat(lines.get(1)).contains("\"step\":1").contains("\"validation_loss\":0.25");
    assertThat(records(bytes(artifacts.getLast()))).isEqualTo(1 + 2 * 7 + 1);
  }

  private byte[] bytes(Artifact artifact) {
    return store.read(StoreLayout.RUNS, artifact.object().key()).orElseThrow().bytes();
  }

  private static int records(byte[] file) {
    var bytes = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
    int records = 0;
    while (bytes.hasRemaining()) {
      bytes.position(bytes.position() + 16 + (int) bytes.getLong(bytes.position()));
      records++;
    }
    return records;
  }

  @Test
  void keepsWhatATrainingThatFailedHadWritten() throws IOException {
    var run = RunId.of("failed");
    try (var failed = open(run, 1, 0)) {
      step(failed, 1);
    }

    assertThat(lines(run, 1)).extracting(StepMetrics::loss).containsExactly(loss(1));
  }

  @Test
  void beginsAnewWhereTheTrainingDoes() throws IOException {
    var run = RunId.of("anew");
    try (var before = open(run, 1, 0)) {
      step(before, 1);
    }
    try (var after = open(run, 2, 0)) {
      step(after, 1);
      step(after, 2);
    }

    assertThat(lines(run, 2)).extracting(StepMetrics::step).containsExactly(1L, 2L);
  }
}
