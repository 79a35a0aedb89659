package flora.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;
import static org.assertj.core.api.Assertions.within;

import flora.embedded.EmbeddedS3;
import flora.models.lora.LoraState;
import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Json;
import flora.schemas.PipelineException;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.AdapterUse;
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.request.TrainingPlan.AdapterForm;
import flora.schemas.run.Head;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.CheckpointManifest;
import flora.schemas.training.TrainingEvent;
import flora.schemas.training.TrainingEvent.AdapterExported;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.ResumedInexactly;
import flora.schemas.training.TrainingEvent.Started;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.stage.StageContext.RunCancelled;
import flora.store.ObjectStore;
import flora.store.s3.S3ObjectStore;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import flora.trainer.checkpoint.TrainingState;
import flora.trainer.merge.Merge;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
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
import tools.jackson.databind.node.ObjectNode;

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
  private static Completed undisturbedCompleted;

  @TempDir Path folder;

  @BeforeAll
  static void trainUndisturbed() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(shared.resolve("s3")).withPort(0));
    store = TinyRun.connect(s3.endpoint().toString(), s3.accessKey(), s3.secretKey());
    var run = new TinyRun(store, RunId.of("undisturbed")).prepare(PICTURES);
    undisturbedContext = new RecordingContext(store, run.id(), 1);
    undisturbedCompleted = train(undisturbedContext, TinyRun.PLAN, HERE, shared);
    undisturbed = TinyRun.adapter(undisturbedCompleted);
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
    s3.close();
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

  /** What a file's shapes do not tell is made so in the folder's configurations. */
  @Test
  void aModelThatIsOneFileTrainsAsItsFolderDoes(TestInfo test) throws Exception {
    var tiny = TinyRun.resource("parity/models/tiny-sd");
    var file = Files.createDirectories(folder.resolve("single")).resolve("model.safetensors");
    TinySingleFile.write(file, DType.F32);
    var parts = folder.resolve("parts");
    try (var files = Files.walk(tiny)) {
      for (var from : files.filter(Files::isRegularFile).toList()) {
        var to = parts.resolve(tiny.relativize(from).toString());
        Files.createDirectories(to.getParent());
        Files.copy(from, to);
      }
    }
    TinySingleFile.rewrite(
        parts.resolve("vae/config.json"), "\"norm_num_groups\": 8", "\"norm_num_groups\": 16");
    TinySingleFile.rewrite(
        parts.resolve("text_encoder/config.json"),
        "\"num_attention_heads\": \\d+",
        "\"num_attention_heads\": 1");
    var pictures = List.of("gray.png", "photo.jpg", "wide.png");
    var asFile =
        new TinyRun(store, RunId.of(test.getDisplayName(), "file"))
            .prepare(
                pictures,
                Map.of(
                    RepoRole.BASE_MODEL, file.getParent(),
                    RepoRole.TOKENIZER, tiny.resolve("tokenizer")));
    var asFolder =
        new TinyRun(store, RunId.of(test.getDisplayName(), "folder"))
            .prepare(pictures, Map.of(RepoRole.BASE_MODEL, parts));

    var context = new RecordingContext(store, asFile.id(), 1);
    var got = kohya(train(context, TinyRun.PLAN, HERE, folder));
    var wanted =
        kohya(train(new RecordingContext(store, asFolder.id(), 1), TinyRun.PLAN, HERE, folder));

    try (var ours = Checkpoint.open(got);
        var theirs = Checkpoint.open(wanted)) {
      assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
      for (var name : theirs.names()) {
        assertThat(LoraState.Matrix.read(ours, name).values())
            .as(name)
            .containsExactly(LoraState.Matrix.read(theirs, name).values(), within(1e-5f));
      }
      assertThat(ours.file(ours.names().iterator().next()).metadata())
          .containsEntry("flora.base_model_sha256", Sha256.sum(Files.readAllBytes(file)).hex())
          .containsEntry("ss_base_model_version", "sd_v1");
    }
  }

  @Test
  void anAdapterOfARunIsMergedAndConvertedByOthers(TestInfo test) throws Exception {
    var source = RunId.of(test.getDisplayName(), "source");
    var head = Head.empty(source).with(undisturbedCompleted);
    store.put(StoreLayout.RUNS, StoreLayout.head(source), Json.bytes(head), "application/json");
    var run = new TinyRun(store, RunId.of(test.getDisplayName(), "merge")).prepare(1);
    var use = AdapterUse.parse(source + ":0.5");

    var context = new RecordingContext(store, run.id(), 1);
    var merged = train(context, new TrainingPlan.AdapterMerge(List.of(use)), HERE, folder);

    assertThat(merged.artifacts())
        .extracting(Artifact::name)
        .contains(
            "merged/model_index.json",
            "merged/unet/diffusion_pytorch_model.safetensors",
            "merged/tokenizer/vocab.json");
    assertThat(context.events(AdapterExported.class)).hasSameSizeAs(merged.artifacts());
    var adapter = folder.resolve("adapter.safetensors");
    Files.copy(kohya(undisturbedCompleted), adapter);
    var expected = folder.resolve("expected");
    int changed =
        Merge.merge(
            TinyRun.resource("parity/models/tiny-sd"),
            List.of(new Merge.Use(adapter, 0.5, 0.5)),
            expected,
            (done, total) -> {});
    assertThat(merged.total()).isEqualTo(changed).isPositive();
    var weights = "unet/diffusion_pytorch_model.safetensors";
    var got = file(merged, "merged/" + weights);
    try (var ours = Checkpoint.open(got);
        var theirs = Checkpoint.open(expected.resolve(weights))) {
      for (var name : theirs.names()) {
        assertThat(ours.data(name).mismatch(theirs.data(name))).as(name).isEqualTo(-1);
      }
    }

    var plan = new TrainingPlan.AdapterConvert(List.of(use), List.of(AdapterForm.PEFT), null);
    var converted = train(new RecordingContext(store, run.id(), 2), plan, HERE, folder);
    assertThat(converted.artifacts())
        .extracting(Artifact::name)
        .containsExactly(
            "adapter/peft/unet/adapter_config.json", "adapter/peft/unet/adapter_model.safetensors");
    try (var ours =
            Checkpoint.open(file(converted, "adapter/peft/unet/adapter_model.safetensors"));
        var theirs =
            Checkpoint.open(
                file(undisturbedCompleted, "adapter/peft/unet/adapter_model.safetensors"))) {
      assertThat(ours.names()).containsExactlyInAnyOrderElementsOf(theirs.names());
      for (var name : theirs.names()) {
        assertThat(ours.data(name).mismatch(theirs.data(name))).as(name).isEqualTo(-1);
      }
    }
  }

  @Test
  void anAdapterThatIsNotThereIsNamed(TestInfo test) {
    var plan = new TrainingPlan.AdapterMerge(List.of(AdapterUse.parse("nobody-has-it")));

    var failure = failure(test, plan);

    assertThat(failure.code()).isEqualTo(ErrorCode.ARTIFACT_NOT_FOUND);
    assertThat(failure).hasMessageContaining("nobody-has-it");
    assertThat(failure.hint()).contains("models put");
  }

  private Path kohya(Completed completed) throws IOException {
    return file(completed, "adapter/kohya/");
  }

  private Path file(Completed completed, String prefix) throws IOException {
    return TinyRun.file(store, completed, prefix, folder);
  }

  @Test
  void theSameRunElsewhereGivesTheSameBytes(TestInfo test) throws Exception {
    var run = prepare(test);

    var completed = train(new RecordingContext(store, run.id(), 1), TinyRun.PLAN, HERE, folder);

    assertThat(TinyRun.adapter(completed)).isEqualTo(undisturbed);
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

    assertThat(TinyRun.adapter(completed)).isEqualTo(undisturbed);
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

  /** One of an older version, without a format; and one of this whose files do not fit. */
  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void aCheckpointThatCannotBeReadIsNotGoneOnFrom(boolean isOld) throws Exception {
    var run = new TinyRun(store, RunId.of("unreadable", "" + isOld)).prepare(PICTURES);
    var first = new RecordingContext(store, run.id(), 1);
    first.onProceed(
        () -> {
          if (!first.events(CheckpointSaved.class).isEmpty()) {
            throw new IllegalStateException("power cut");
          }
        });
    catchThrowable(() -> train(first, TinyRun.PLAN, HERE, folder));
    var checkpoints = new CheckpointStore(store, first, 1);
    var saved = checkpoints.newest(Files.createDirectories(folder.resolve("saved"))).orElseThrow();
    var state = (ObjectNode) Json.mapper().valueToTree(saved.state());
    if (isOld) {
      state.remove("format");
    } else {
      Files.copy(
          saved.folder().resolve(CheckpointManifest.ADAPTER),
          saved.folder().resolve(CheckpointManifest.OPTIMIZER),
          StandardCopyOption.REPLACE_EXISTING);
    }
    checkpoints.save(Json.mapper().treeToValue(state, TrainingState.class), saved.folder());

    var second = new RecordingContext(store, run.id(), 2);
    var completed = train(second, TinyRun.PLAN, HERE, folder);

    assertThat(TinyRun.adapter(completed)).isEqualTo(undisturbed);
    assertThat(second.events(Started.class)).extracting(Started::step).containsExactly(0L);
  }

  @Test
  void otherHardwareGoesOnAndSaysSo(TestInfo test) throws Exception {
    var run = prepare(test);
    var calls = new AtomicInteger();
    var first = new RecordingContext(store, run.id(), 1);
    first.onProceed(
        () -> {
          if (first.events(StepsCompleted.class).size() == 4) {
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
  void aLossThatStaysNoNumberNamesItsStep(TestInfo test) throws Exception {
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
    TrainerProcess.killedAt(line, s3, run.id(), "usual", folder);

    var completed = train(new RecordingContext(store, run.id(), 2), TinyRun.PLAN, HERE, folder);

    assertThat(TinyRun.adapter(completed)).isEqualTo(undisturbed);
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

  private static TrainingPlan plan(List<String> targets, double learningRate) {
    var network = TinyRun.PLAN.network();
    return TinyRun.PLAN
        .with(
            NetworkPlan.of(network.loraRank(), network.loraAlpha(), network.loraDropout(), targets))
        .with(TinyRun.PLAN.optimizer().with(OptimizerPlan.Rate.constant(learningRate)));
  }
}
