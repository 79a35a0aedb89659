package flora.trainer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.embedded.EmbeddedS3;
import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.request.CaptionPlan;
import flora.schemas.request.ComputePlan;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.Started;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.store.ObjectInfo;
import flora.store.s3.S3ObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * A training with all that varies from showing to showing: buckets, repeats, mirrored pictures,
 * captions by rules, accumulation over incomplete batches; and what is kept for later runs.
 */
class VariedRunIT {

  private static final ComputeFingerprint HERE = TrainerApplication.thisMachine();

  /** Three shapes, seven showings an epoch: five batches in three steps. */
  private static final List<String> PICTURES =
      List.of("2_old/gray.png", "panorama.png", "photo.jpg", "tall.png", "2_old/rgb_square.png");

  private static final PicturePlan BUCKETS =
      new PicturePlan(128, true, true, null, true, 64, 256, 64, false, 1);

  static final TrainingPlan.StableDiffusionLora PLAN =
      TinyRun.PLAN
          .with(BUCKETS)
          .with(new CaptionPlan(0.2, 3, 0.3, true, 1, null, ",", "new", null, 75, 2))
          .with(new ComputePlan(TrainingPlan.MixedPrecision.NO, true, null, List.of()))
          .with(KeepPlan.of(2));

  private static final OptimizerPlan ONE_STEP =
      OptimizerPlan.of(
          2,
          2,
          OptimizerPlan.Length.ofSteps(1),
          OptimizerPlan.Rate.constant(1e-3),
          OptimizerPlan.AdamW.DEFAULT);

  private static final TrainingPlan.StableDiffusionLora WITHOUT_RULES =
      PLAN.with(ONE_STEP)
          .with(new CaptionPlan(0.2, 0, 0.0, false, 0, null, ",", null, null, 75, 2));

  @TempDir static Path shared;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;
  private static Map<String, Sha256> undisturbed;

  @TempDir Path folder;

  @BeforeAll
  static void trainUndisturbed() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(shared.resolve("s3")).withPort(0));
    store = TrainerIT.connect(s3.endpoint().toString(), s3.accessKey(), s3.secretKey());
    undisturbed = train(context("undisturbed", 1), PLAN, shared);
  }

  @AfterAll
  static void stop() throws Exception {
    store.close();
    s3.close();
  }

  /**
   * Ten views are encoded, then an epoch has two, two and one batches: amid an accumulation with a
   * checkpoint within the first epoch, and in the third epoch with one at its border.
   */
  @ParameterizedTest
  @ValueSource(ints = {17, 22})
  void aRunThatIsAbortedAnywhereEndsWithTheSameBytes(int place) {
    var first = context("aborted " + place, 1);
    var calls = new AtomicInteger();
    first.onProceed(
        () -> {
          if (calls.incrementAndGet() == place) {
            throw new IllegalStateException("power cut");
          }
        });

    assertThatThrownBy(() -> train(first, PLAN, folder)).hasMessage("power cut");
    var second = new RecordingContext(store, first.runId(), 2);
    var adapter = train(second, PLAN, folder);

    assertThat(adapter).isEqualTo(undisturbed);
    var saved = first.events(CheckpointSaved.class);
    assertThat(second.events(Started.class).getFirst().step())
        .isEqualTo(saved.getLast().step())
        .isEqualTo(place == 17 ? 2 : 6);
  }

  @Test
  void aKilledProcessIsContinuedToTheSameBytes() throws Exception {
    var run = context("killed", 1).runId();
    var process = spawn(run);
    try (var output =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      var seen = output.readLine();
      while (seen != null && !seen.equals("StepsCompleted 5")) {
        seen = output.readLine();
      }
      assertThat(seen).isEqualTo("StepsCompleted 5");
      process.destroyForcibly();
    }
    assertThat(process.waitFor()).isEqualTo(128 + 9);

    assertThat(train(new RecordingContext(store, run, 2), PLAN, folder)).isEqualTo(undisturbed);
  }

  @Test
  void keepingActivationsGivesTheSameBytesAsComputingThemAgain() {
    var kept = PLAN.with(ComputePlan.of(TrainingPlan.MixedPrecision.NO));

    assertThat(train(context("kept", 1), kept, folder)).isEqualTo(undisturbed);
  }

  @Test
  void captionsAndTheLayerThatReadsThemChangeWhatIsLearned() {
    var ruled = PLAN.with(ONE_STEP);
    var rules = new CaptionPlan(0.2, 3, 0.3, true, 1, null, ",", "new", null, 75, 1);
    var plain = new CaptionPlan(null, null, null, null, null, null, null, null, null, null, 2);

    double loss = loss(context("rules", 1), ruled);

    assertThat(loss(context("no rules", 1), ruled.with(plain))).isNotEqualTo(loss);
    assertThat(loss(context("last layer", 1), ruled.with(rules))).isNotEqualTo(loss);
  }

  /** Without the pictures' bytes nothing could be encoded. */
  @Test
  void aSecondRunOnTheSameDataEncodesNothing() {
    var first = context("first", 1);
    var adapter = train(first, WITHOUT_RULES, folder);
    var stored = encodings();
    var second = context("second", 1);
    for (var key : blobs()) {
      store.delete(StoreLayout.DATASETS, key);
    }
    try {
      assertThat(train(second, WITHOUT_RULES, folder.resolve("elsewhere"))).isEqualTo(adapter);
    } finally {
      context("restored", 1);
    }
    assertThat(encodings()).isEqualTo(stored);
  }

  private double loss(RecordingContext context, TrainingPlan plan) {
    train(context, plan, folder);
    return context.events(StepsCompleted.class).getFirst().loss();
  }

  private static List<String> blobs() {
    try (var all = store.list(StoreLayout.DATASETS, "blobs/")) {
      return all.map(ObjectInfo::key).toList();
    }
  }

  /** Nothing was written anew: every object is the one that it was. */
  private static List<ObjectInfo> encodings() {
    try (var all = store.list(StoreLayout.DATASETS, StoreLayout.ENCODINGS)) {
      return all.toList();
    }
  }

  private static RecordingContext context(String name, int attempt) {
    var run = new TinyRun(store, RunId.of("varied", name)).prepare(PICTURES);
    return new RecordingContext(store, run.id(), attempt);
  }

  private Process spawn(RunId run) throws Exception {
    return new ProcessBuilder(
            ProcessHandle.current().info().command().orElseThrow(),
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
            "varied")
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** The adapter's files by name. */
  private static Map<String, Sha256> train(
      RecordingContext context, TrainingPlan plan, Path folder) {
    var flow = TinyRun.flow(store, folder, HERE);
    var done = flow.run(new TinyRun(store, context.runId()).request(plan), context);
    var completed =
        (Completed)
            done.apply(new EventStamp(context.runId(), context.attempt(), 99, Instant.EPOCH));
    var digests = new LinkedHashMap<String, Sha256>();
    for (var artifact : completed.artifacts()) {
      ObjectRef object = artifact.object();
      if (artifact.name().startsWith("adapter/")) {
        digests.put(artifact.name(), object.sha256());
      }
    }
    return digests;
  }
}
