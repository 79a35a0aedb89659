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
import flora.schemas.request.NetworkPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PicturePlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.request.ValidationPlan;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.Started;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.schemas.training.TrainingEvent.Validated;
import flora.store.ObjectInfo;
import flora.store.s3.S3ObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collections;
import java.util.HashMap;
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
 * captions by rules, accumulation over incomplete batches; of both networks, with an average; and
 * what is kept for later runs.
 */
class VariedRunIT {

  private static final ComputeFingerprint HERE = TrainerApplication.thisMachine();

  /** Three shapes, seven showings an epoch: five batches in three steps. */
  private static final List<String> PICTURES =
      List.of("2_old/gray.png", "panorama.png", "photo.jpg", "tall.png", "2_old/rgb_square.png");

  private static final PicturePlan BUCKETS =
      new PicturePlan(128, true, true, null, true, 64, 256, 64, false, 1);

  static final TrainingPlan.StableDiffusionLora PLAN =
      TinyRun.with(
          TinyRun.PLAN
              .with(BUCKETS)
              .with(new CaptionPlan(0.2, 3, 0.3, true, 1, null, ",", "new", null, 150, 2))
              .with(new ComputePlan(TrainingPlan.MixedPrecision.NO, true, null, List.of()))
              .with(KeepPlan.of(2)),
          "{'train_text_encoder': true, 'text_encoder_lr': 5e-4, 'ema_decay': 0.9}");

  private static final OptimizerPlan ONE_STEP = steps(1, 1e-3);

  private static final TrainingPlan.StableDiffusionLora WITHOUT_RULES =
      PLAN.with(ONE_STEP)
          .with(TinyRun.PLAN.network())
          .with(new CaptionPlan(0.2, 0, 0.0, false, 0, null, ",", null, null, 150, 2));

  @TempDir static Path shared;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;
  private static Map<String, Sha256> undisturbed;

  @TempDir Path folder;

  @BeforeAll
  static void trainUndisturbed() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(shared.resolve("s3")).withPort(0));
    store = TinyRun.connect(s3.endpoint().toString(), s3.accessKey(), s3.secretKey());
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
    TrainerProcess.killedAt("StepsCompleted 5", s3, run, "varied", folder);

    assertThat(train(new RecordingContext(store, run, 2), PLAN, folder)).isEqualTo(undisturbed);
  }

  @Test
  void neitherWhatIsKeptInMemoryNorWhenIsSavedChangesTheBytes() {
    var context = context("kept", 1);
    var plan =
        PLAN.with(ComputePlan.of(TrainingPlan.MixedPrecision.NO))
            .with(new KeepPlan(2, 1, 1, KeepPlan.SavePrecision.FP32));

    var adapter = train(context, plan, folder);

    // the header of sd-scripts' file says whether there was gradient checkpointing
    var kohya = "adapter/kohya/tiny.safetensors";
    assertThat(adapter.remove(kohya)).isNotNull();
    assertThat(adapter).hasSize(5);
    assertThat(undisturbed).containsAllEntriesOf(adapter).containsKey(kohya);
    assertThat(context.events(CheckpointSaved.class))
        .extracting(CheckpointSaved::step)
        .containsExactly(3L, 6L, 8L);
    assertThat(checkpoints(context.runId())).singleElement().asString().contains("step-000008");
  }

  /** Rank 4: 8 / √4 is 16 / 4. */
  @Test
  void rankStabilizationScalesByTheRootOfTheRank() {
    var targets = PLAN.network().targetModules();
    var stabilized =
        new NetworkPlan(4, 8.0, 0.1, targets, true, null, null, true, false, null, null);
    var larger = NetworkPlan.of(4, 16.0, 0.1, targets);
    var plan = PLAN.with(steps(3, 1e-3));

    var losses = losses(context("stabilized", 1), plan.with(stabilized));

    assertThat(losses).isEqualTo(losses(context("larger", 1), plan.with(larger)));
    assertThat(losses).isNotEqualTo(losses(context("usual", 1), plan.with(TinyRun.PLAN.network())));
  }

  @Test
  void warmUpMayBeAShareOfAllSteps() {
    var context = context("warm-up", 1);
    var o = PLAN.optimizer();
    var plan =
        new OptimizerPlan(
            o.batchSize(),
            o.gradientAccumulationSteps(),
            null,
            3,
            1e-3,
            TrainingPlan.LrScheduler.CONSTANT_WITH_WARMUP,
            0,
            o.adamBeta1(),
            o.adamBeta2(),
            o.adamEpsilon(),
            o.weightDecay(),
            0.0,
            false,
            null,
            null,
            0.7,
            1,
            1.0,
            null);

    train(context, PLAN.with(plan), folder);

    assertThat(context.events(StepsCompleted.class))
        .extracting(StepsCompleted::learningRate)
        .containsExactly(0.0, 0.5e-3, 1e-3);
  }

  @Test
  void convolutionsAreTrainedAndContinuedToo() {
    var targets = PLAN.network().targetModules();
    var plan =
        PLAN.with(steps(4, 1e-3))
            .with(new NetworkPlan(4, 8.0, 0.1, targets, false, 2, 1.0, true, false, null, null));
    var whole = context("convolutions", 1);
    var expected = train(whole, plan, folder);

    var first = context("convolutions, aborted", 1);
    first.onProceed(
        () -> {
          if (first.events(StepsCompleted.class).size() == 3) {
            throw new IllegalStateException("power cut");
          }
        });
    assertThatThrownBy(() -> train(first, plan, folder)).hasMessage("power cut");
    var second = new RecordingContext(store, first.runId(), 2);

    assertThat(train(second, plan, folder)).isEqualTo(expected);
    assertThat(second.events(Started.class).getFirst().step()).isEqualTo(2);
    assertThat(expected).isNotEqualTo(undisturbed);
  }

  /** At so high a rate it gets worse after a while. */
  @Test
  void trainingEndsWhenHeldOutPicturesGetNoBetter() {
    var context = context("hopeless", 1);
    var wild = PLAN.with(steps(20, 0.05)).with(new ValidationPlan(0.2, 1, 2, 3L));

    var completed = completed(context, wild, folder);

    var judged = context.events(Validated.class);
    var losses = judged.stream().map(Validated::loss).toList();
    long best = losses.indexOf(Collections.min(losses)) + 1;
    assertThat(completed.total()).isEqualTo(best + 2).isLessThan(20);
    assertThat(judged).last().extracting(Validated::step).isEqualTo(best + 2);
    assertThat(judged).last().extracting(Validated::evaluationsWithoutDrop).isEqualTo(2);
    assertThat(completed.stoppedEarly()).isEqualTo("validation");
    assertThat(completed.bestStep()).isEqualTo(best);
    // whoever takes over after the last checkpoint does not begin again
    var again = new RecordingContext(store, context.runId(), 2);
    assertThat(TinyRun.adapter(completed(again, wild, folder)))
        .isEqualTo(TinyRun.adapter(completed));
    assertThat(again.events(StepsCompleted.class)).isEmpty();
  }

  /** At so high a rate it gets worse after a while. */
  @Test
  void theBestAdapterIsExportedWhereverTheTrainingWasAborted() {
    var plan = PLAN.with(steps(6, 0.1)).with(new ValidationPlan(0.2, 1, 0, 3L));
    var whole = context("judged", 1);
    var expected = completed(whole, plan, folder);
    var losses = whole.events(Validated.class).stream().map(Validated::loss).toList();
    long best = losses.indexOf(Collections.min(losses)) + 1;
    assertThat(best).isBetween(2L, 5L);
    assertThat(expected.bestStep()).isEqualTo(best);
    assertThat(expected.stoppedEarly()).isNull();

    var first = context("judged and aborted", 1);
    first.onProceed(
        () -> {
          if (first.events(Validated.class).size() == 5) {
            throw new IllegalStateException("power cut");
          }
        });
    assertThatThrownBy(() -> train(first, plan, folder)).hasMessage("power cut");
    var second = new RecordingContext(store, first.runId(), 2);
    var completed = completed(second, plan, folder);

    assertThat(TinyRun.adapter(completed)).isEqualTo(TinyRun.adapter(expected));
    assertThat(completed.bestStep()).isEqualTo(best);
    assertThat(second.events(Validated.class))
        .extracting(Validated::loss)
        .isEqualTo(losses.subList(4, 6));
  }

  @Test
  void captionsAndTheLayerThatReadsThemChangeWhatIsLearned() {
    var ruled = PLAN.with(ONE_STEP);
    var rules = new CaptionPlan(0.2, 3, 0.3, true, 1, null, ",", "new", null, 150, 1);
    var plain = new CaptionPlan(null, null, null, null, null, null, null, null, null, 150, 2);

    double loss = loss(context("rules", 1), ruled);

    assertThat(loss(context("no rules", 1), ruled.with(plain))).isNotEqualTo(loss);
    assertThat(loss(context("last layer", 1), ruled.with(rules))).isNotEqualTo(loss);
  }

  /** By the third step the text encoder's own change has been felt. */
  @Test
  void whatIsSaidOfBothNetworksChangesWhatIsLearned() {
    var losses = new HashMap<Double, String>();
    for (var keys :
        List.of(
            "{}",
            "{'train_text_encoder': false}",
            "{'train_unet': false}",
            "{'text_encoder_lr': 1e-3}",
            "{'text_encoder_target_modules': ['fc1']}",
            "{'max_token_length': 75}")) {
      var plan = TinyRun.with(PLAN.with(steps(3, 2e-3)), keys);
      double loss = losses(context(keys, 1), plan).getLast();
      assertThat(losses.put(loss, keys)).as(keys).isNull();
    }
  }

  /** The last of two layers is not read. */
  @Test
  void whatTheTextEncoderLearnsIsInTheAdapterButNotOfLayersThatAreNotRead() {
    var context = context("text encoder alone", 1);
    var plan = TinyRun.with(PLAN.with(ONE_STEP), "{'train_unet': false}");

    var completed = completed(context, plan, folder);

    assertThat(TinyRun.adapter(completed).keySet())
        .containsExactly(
            "adapter/kohya/tiny.safetensors",
            "adapter/diffusers/pytorch_lora_weights.safetensors",
            "adapter/peft/text_encoder/adapter_model.safetensors",
            "adapter/peft/text_encoder/adapter_config.json");
    var kohya = completed.artifacts().getFirst().object();
    var bytes = store.read(kohya.bucket(), kohya.key()).orElseThrow().bytes();
    assertThat(new String(bytes, StandardCharsets.ISO_8859_1))
        .contains("lora_te_text_model_encoder_layers_0_self_attn_q_proj.lora_down.weight")
        .doesNotContain("lora_te_text_model_encoder_layers_1_")
        .doesNotContain("lora_unet_");
  }

  /** What is learned is the same, what is judged and handed out is the average. */
  @Test
  void theAverageIsJudgedAndHandedOut() {
    var plan = PLAN.with(steps(3, 1e-3)).with(new ValidationPlan(0.2, 3, 0, 3L));
    var plain = context("no average", 1);
    var averaged = context("average", 1);

    var adapter = train(plain, plan, folder);
    var average = train(averaged, TinyRun.with(plan, "{'ema_decay': 0.5}"), folder);

    assertThat(average).isNotEqualTo(adapter);
    assertThat(averaged.events(StepsCompleted.class))
        .extracting(StepsCompleted::loss)
        .isEqualTo(plain.events(StepsCompleted.class).stream().map(StepsCompleted::loss).toList());
    assertThat(averaged.events(Validated.class).getFirst().loss())
        .isNotEqualTo(plain.events(Validated.class).getFirst().loss());
  }

  @Test
  void whatIsSaidOfTheObjectiveChangesWhatIsLearned() {
    var losses = new HashMap<Double, String>();
    for (var keys :
        List.of(
            "{}",
            "{'noise_offset': 0.5}",
            "{'loss_type': 'huber'}",
            "{'min_timestep': 500}",
            "{'max_timestep': 500}",
            "{'prediction_type': 'v_prediction'}",
            "{'prediction_type': 'v_prediction', 'zero_terminal_snr': true}")) {
      double loss = loss(context(keys, 1), TinyRun.with(PLAN.with(ONE_STEP), keys));
      assertThat(losses.put(loss, keys)).as(keys).isNull();
    }
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
    return losses(context, plan).getFirst();
  }

  private List<Double> losses(RecordingContext context, TrainingPlan plan) {
    train(context, plan, folder);
    return context.events(StepsCompleted.class).stream().map(StepsCompleted::loss).toList();
  }

  private static OptimizerPlan steps(int steps, double rate) {
    return OptimizerPlan.of(
        2,
        2,
        OptimizerPlan.Length.ofSteps(steps),
        OptimizerPlan.Rate.constant(rate),
        OptimizerPlan.AdamW.DEFAULT);
  }

  private static List<String> checkpoints(RunId run) {
    try (var all = store.list(StoreLayout.RUNS, StoreLayout.runFolder(run))) {
      return all.map(ObjectInfo::key)
          .filter(key -> key.contains("/checkpoints/") && key.endsWith("/manifest.json"))
          .toList();
    }
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

  /** The adapter's files by name. */
  private static Map<String, Sha256> train(
      RecordingContext context, TrainingPlan plan, Path folder) {
    return TinyRun.adapter(completed(context, plan, folder));
  }

  private static Completed completed(RecordingContext context, TrainingPlan plan, Path folder) {
    var flow = TinyRun.flow(store, folder, HERE);
    var done = flow.run(new TinyRun(store, context.runId()).request(plan), context);
    return (Completed)
        done.apply(new EventStamp(context.runId(), context.attempt(), 99, Instant.EPOCH));
  }
}
