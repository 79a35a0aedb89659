package flora.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import flora.embedded.EmbeddedS3;
import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.PipelineException;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import flora.schemas.training.TrainingEvent.AdapterExported;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.ResumedInexactly;
import flora.schemas.training.TrainingEvent.Started;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.stage.StageContext.RunCancelled;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Training as it is done in a run, with a real model, real pictures and a real S3 endpoint. */
class TrainerIT {

  private static final ComputeFingerprint HERE = TrainerApplication.thisMachine();
  private static final int PICTURES = 5;

  @TempDir static Path shared;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;

  /** What a run that nobody disturbs ends with. */
  private static Map<String, Sha256> undisturbed;

  private static RecordingContext undisturbedContext;

  @TempDir Path folder;

  @BeforeAll
  static void trainUndisturbed() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(shared.resolve("s3")).withPort(0));
    store = connect(s3.endpoint().toString(), s3.accessKey(), s3.secretKey());
    var run = new TinyRun(store, RunId.of("undisturbed")).prepare(PICTURES);
    undisturbedContext = new RecordingContext(store, run.id(), 1);
    undisturbed = adapter(train(undisturbedContext, TinyRun.PLAN, HERE, shared));
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
    s3.close();
  }

  static S3ObjectStore connect(String endpoint, String accessKey, String secretKey) {
    return new S3ObjectStore(
        java.net.URI.create(endpoint),
        accessKey,
        new Secret(secretKey),
        "us-east-1",
        LocalFiles.none());
  }

  @Test
  void tellsWhatItDoes() {
    var events = undisturbedContext;

    assertThat(events.events(Started.class))
        .singleElement()
        .satisfies(
            started -> {
              assertThat(started.step()).isZero();
              assertThat(started.total()).isEqualTo(8);
            });
    assertThat(events.events(StepsCompleted.class))
        .extracting(StepsCompleted::step)
        .containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
    assertThat(events.events(StepsCompleted.class))
        .allSatisfy(
            step -> {
              assertThat(step.loss()).isBetween(0.05, 20.0);
              assertThat(step.gradNorm()).isPositive();
            });
    // two steps of warm-up from 0, then half a cosine
    assertThat(events.events(StepsCompleted.class))
        .extracting(StepsCompleted::learningRate)
        .startsWith(0.0, 0.5e-3, 1e-3)
        .last()
        .satisfies(rate -> assertThat((double) rate).isBetween(1e-6, 1e-4));
    assertThat(events.events(CheckpointSaved.class))
        .extracting(CheckpointSaved::step)
        .containsExactly(3L, 6L, 8L);
    assertThat(events.events(AdapterExported.class))
        .extracting(exported -> exported.artifact().name())
        .containsExactlyElementsOf(undisturbed.keySet());
  }

  @Test
  void leavesFourAdapterFilesAndACardOfTheRun() {
    assertThat(undisturbed.keySet())
        .containsExactly(
            "adapter/kohya/tiny.safetensors",
            "adapter/diffusers/pytorch_lora_weights.safetensors",
            "adapter/peft/unet/adapter_model.safetensors",
            "adapter/peft/unet/adapter_config.json");
  }

  @Test
  void theSameRunElsewhereGivesTheSameBytes(TestInfo test) throws Exception {
    var run = prepare(test);

    var completed = train(new RecordingContext(store, run.id(), 1), TinyRun.PLAN, HERE, folder);

    assertThat(adapter(completed)).isEqualTo(undisturbed);
    assertThat(completed.total()).isEqualTo(8);
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  /**
   * Places counted by the calls to proceed: five captions, twelve batches in eight steps, then the
   * export.
   */
  @ParameterizedTest
  @ValueSource(ints = {3, 12, 18, 20})
  void aRunThatIsAbortedAnywhereEndsWithTheSameBytes(int place) throws Exception {
    var run = new TinyRun(store, RunId.of("aborted", "" + place)).prepare(PICTURES);
    var calls = new AtomicInteger();
    var first =
        new RecordingContext(store, run.id(), 1)
            .onProceed(
                () -> {
                  if (calls.incrementAndGet() == place) {
                    throw new IllegalStateException("power cut");
                  }
                });

    assertThatThrownBy(() -> train(first, TinyRun.PLAN, HERE, folder)).hasMessage("power cut");
    var second = new RecordingContext(store, run.id(), 2);
    var completed = train(second, TinyRun.PLAN, HERE, folder);

    assertThat(adapter(completed)).isEqualTo(undisturbed);
    var saved = first.events(CheckpointSaved.class);
    long resumedAt = saved.isEmpty() ? 0 : saved.getLast().step();
    assertThat(second.events(Started.class).getFirst().step()).isEqualTo(resumedAt);
    assertThat(second.events(ResumedInexactly.class)).isEmpty();
  }

  @Test
  void aCheckpointWhoseEventWasLostIsToldByTheNextAttempt(TestInfo test) throws Exception {
    var run = prepare(test);
    var first =
        new RecordingContext(store, run.id(), 1) {
          @Override
          public void publish(Function<EventStamp, Event> event) {
            if (event.apply(new EventStamp(run.id(), 1, 1, Instant.EPOCH))
                instanceof CheckpointSaved) {
              throw new IllegalStateException("power cut");
            }
            super.publish(event);
          }
        };

    assertThatThrownBy(() -> train(first, TinyRun.PLAN, HERE, folder)).hasMessage("power cut");
    var second = new RecordingContext(store, run.id(), 2);
    train(second, TinyRun.PLAN, HERE, folder);

    assertThat(second.events(CheckpointSaved.class))
        .extracting(CheckpointSaved::step)
        .containsExactly(3L, 6L, 8L);
    assertThat(second.events(Started.class).getFirst().step()).isEqualTo(3);
  }

  @Test
  void otherHardwareGoesOnAndSaysSo(TestInfo test) throws Exception {
    var run = prepare(test);
    var calls = new AtomicInteger();
    var first = new RecordingContext(store, run.id(), 1);
    first.onProceed(
        () -> {
          if (!first.events(CheckpointSaved.class).isEmpty()) {
            throw new IllegalStateException("power cut");
          }
        });
    var elsewhere = new ComputeFingerprint("pytorch 2.7.1", "aarch64", 64, "cpu");

    catchThrowable(() -> train(first, TinyRun.PLAN, elsewhere, folder));
    var second = new RecordingContext(store, run.id(), 2);
    train(second, TinyRun.PLAN, HERE, folder);

    assertThat(second.events(ResumedInexactly.class))
        .singleElement()
        .satisfies(
            event -> {
              assertThat(event.step()).isEqualTo(3);
              assertThat(event.was()).contains("aarch64").contains("64 threads");
              assertThat(event.is()).isEqualTo(HERE.toString());
            });
  }

  @Test
  void aCancelledRunStopsAndLeavesNothingBehind(TestInfo test) throws Exception {
    var run = prepare(test);
    var context = new RecordingContext(store, run.id(), 1);
    context.onProceed(
        () -> {
          if (context.events(StepsCompleted.class).size() == 2) {
            throw new RunCancelled(run.id());
          }
        });

    assertThatThrownBy(() -> train(context, TinyRun.PLAN, HERE, folder))
        .isInstanceOf(RunCancelled.class);

    assertThat(context.events(StepsCompleted.class)).hasSize(2);
    assertThat(folder.resolve("work")).isEmptyDirectory();
  }

  @Test
  void aTargetThatMatchesNothingListsWhatThereIs(TestInfo test) throws Exception {
    var plan = plan(List.of("to_q", "attn.sideways"), 1e-3);

    var failure = failure(test, plan);

    assertThat(failure.code()).isEqualTo(ErrorCode.TARGETS_NOT_FOUND);
    assertThat(failure).hasMessageContaining("attn.sideways").hasMessageContaining("to_out.0");
  }

  @Test
  void aLossThatIsNoNumberNamesItsStep(TestInfo test) throws Exception {
    var failure = failure(test, plan(TinyRun.PLAN.network().targetModules(), 1e30));

    assertThat(failure.code()).isEqualTo(ErrorCode.LOSS_NOT_FINITE);
    assertThat(failure).hasMessageMatching("the (loss|gradient norm) of step \\d is .*");
    assertThat(failure.hint()).contains("learning_rate");
  }

  @Test
  void aDatasetWithoutPicturesIsNamed(TestInfo test) throws Exception {
    var run = new TinyRun(store, RunId.of(test.getDisplayName())).prepare(0);

    assertThatThrownBy(
            () -> train(new RecordingContext(store, run.id(), 1), TinyRun.PLAN, HERE, folder))
        .isInstanceOfSatisfying(
            PipelineException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.DATASET_EMPTY))
        .hasMessageContaining("shapes");
  }

  /** Signal 9 at a line of output: in the middle of training, and between two exported files. */
  @ParameterizedTest
  @ValueSource(strings = {"StepsCompleted 5", "AdapterExported 2"})
  void aKilledProcessIsContinuedToTheSameBytes(String line) throws Exception {
    var run = new TinyRun(store, RunId.of("killed", line)).prepare(PICTURES);
    var process = spawn(run.id());
    try (var output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      var seen = output.readLine();
      while (seen != null && !seen.equals(line)) {
        seen = output.readLine();
      }
      assertThat(seen).isEqualTo(line);
      process.destroyForcibly();
    }
    assertThat(process.waitFor()).isEqualTo(128 + 9);

    var completed = train(new RecordingContext(store, run.id(), 2), TinyRun.PLAN, HERE, folder);

    assertThat(adapter(completed)).isEqualTo(undisturbed);
    assertThat(steps(completed)).containsExactly(1L, 2L, 3L, 4L, 5L, 6L, 7L, 8L);
  }

  /** What the log of the whole training tells of, the killed attempt's part included. */
  private static List<Long> steps(Completed completed) {
    var log =
        completed.artifacts().stream()
            .filter(artifact -> artifact.name().equals("logs/metrics.jsonl"))
            .findFirst()
            .orElseThrow()
            .object();
    var lines = store.read(log.bucket(), log.key()).orElseThrow().bytes();
    return new String(lines, StandardCharsets.UTF_8)
        .lines()
        .map(line -> Json.mapper().readTree(line).path("step").asLong())
        .toList();
  }

  private Process spawn(RunId run) throws IOException {
    var java = ProcessHandle.current().info().command().orElseThrow();
    return new ProcessBuilder(
            java,
            "--enable-native-access=ALL-UNNAMED",
            "-Xmx512m",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=" + HERE.threads(),
            "-cp",
            System.getProperty("java.class.path"),
            TrainerProcess.class.getName(),
            s3.endpoint().toString(),
            s3.accessKey(),
            s3.secretKey(),
            run.value(),
            Files.createDirectories(folder.resolve("process")).toString(),
            "usual")
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  private TinyRun prepare(TestInfo test) {
    return new TinyRun(store, RunId.of(test.getDisplayName())).prepare(PICTURES);
  }

  private PipelineException failure(TestInfo test, TrainingPlan plan) {
    var run = prepare(test);
    var thrown =
        catchThrowable(() -> train(new RecordingContext(store, run.id(), 1), plan, HERE, folder));
    assertThat(thrown).isInstanceOf(PipelineException.class);
    return (PipelineException) thrown;
  }

  static Completed train(
      RecordingContext context, TrainingPlan plan, ComputeFingerprint compute, Path folder) {
    ObjectStore objects = store;
    var flow = TinyRun.flow(objects, folder, compute);
    var done = flow.run(new TinyRun(objects, context.runId()).request(plan), context);
    return (TrainingEvent.Completed)
        done.apply(new EventStamp(context.runId(), context.attempt(), 99, Instant.EPOCH));
  }

  /** The adapter's files by name; the card of the run is another one each time. */
  private static Map<String, Sha256> adapter(Completed completed) {
    var digests = new LinkedHashMap<String, Sha256>();
    for (Artifact artifact : completed.artifacts()) {
      // the rest holds clocks
      if (artifact.name().startsWith("adapter/")) {
        digests.put(artifact.name(), artifact.object().sha256());
      }
    }
    return digests;
  }

  private static TrainingPlan plan(List<String> targets, double learningRate) {
    var network = TinyRun.PLAN.network();
    return TinyRun.PLAN
        .with(
            NetworkPlan.of(network.loraRank(), network.loraAlpha(), network.loraDropout(), targets))
        .with(TinyRun.PLAN.optimizer().with(OptimizerPlan.Rate.constant(learningRate)));
  }
}
