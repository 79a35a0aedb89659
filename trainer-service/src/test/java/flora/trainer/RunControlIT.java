package flora.trainer;

import static flora.trainer.TinyRun.adapter;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import ai.djl.engine.EngineException;
import flora.schemas.ErrorCode;
import flora.schemas.EventStamp;
import flora.schemas.PipelineException;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.PreviewPlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.run.Control;
import flora.schemas.run.Control.Desired;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent.BatchReduced;
import flora.schemas.training.TrainingEvent.CheckpointSaved;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.Paused;
import flora.schemas.training.TrainingEvent.PreviewSaved;
import flora.schemas.training.TrainingEvent.RolledBack;
import flora.schemas.training.TrainingEvent.Started;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.stage.StageContext.RunPaused;
import flora.store.memory.MemoryObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import flora.trainer.recipe.Overflow;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.imageio.ImageIO;
import org.assertj.core.data.Offset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What may happen to a training on its way: it ends with the same bytes all the same. */
class RunControlIT {

  private static final ComputeFingerprint HERE = TrainerApplication.thisMachine();
  private static final List<String> PICTURES = List.of("photo.jpg", "tall.png", "panorama.png");

  /** Four steps, none of them with a checkpoint but the last. */
  private static final TrainingPlan.StableDiffusionLora CALM =
      TinyRun.PLAN
          .with(
              OptimizerPlan.of(
                  2,
                  1,
                  OptimizerPlan.Length.ofSteps(4),
                  OptimizerPlan.Rate.constant(1e-3),
                  OptimizerPlan.AdamW.DEFAULT))
          .with(KeepPlan.of(100));

  private static final TrainingPlan.StableDiffusionLora WILD =
      CALM.with(
              OptimizerPlan.of(
                  2,
                  1,
                  OptimizerPlan.Length.ofSteps(6),
                  OptimizerPlan.Rate.constant(1e-3),
                  OptimizerPlan.AdamW.DEFAULT))
          .with(KeepPlan.of(2));

  /** PyTorch's words. */
  private static final EngineException SHORTAGE =
      new EngineException(
          "[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory:"
              + " you tried to allocate 1024 bytes. Error code 12 (Cannot allocate memory)");

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @TempDir Path folder;

  /** Step four is too much at the whole rate; that of what comes before decides. */
  @Test
  void trainingGoesBackAtHalfTheRateWhereNumbersOverflowAndSoAgainAfterAPowerCut() {
    var undisturbed = context("wild", 1);
    undisturbed.onProceed(() -> overflow(undisturbed));
    var expected = adapter(completed(undisturbed, WILD));
    assertThat(undisturbed.events(RolledBack.class))
        .singleElement()
        .satisfies(
            back -> {
              assertThat(back.step()).isEqualTo(4);
              assertThat(back.toStep()).isEqualTo(2);
              assertThat(back.rateFactor()).isEqualTo(0.5);
              assertThat(back.times()).isEqualTo(1);
              assertThat(back.reason()).isEqualTo("the loss of step 4 is Infinity");
            });
    assertThat(rates(undisturbed).values())
        .containsExactly(1e-3, 1e-3, 0.5e-3, 0.5e-3, 0.5e-3, 0.5e-3);

    // amid the rollback, and after a checkpoint that knows of it
    for (long resumedAt : List.of(2L, 4L)) {
      var first = context("wild, on from " + resumedAt, 1);
      first.onProceed(
          () -> {
            boolean isTime =
                resumedAt == 2
                    ? !first.events(RolledBack.class).isEmpty()
                    : rates(first).containsKey(5L);
            if (isTime) {
              throw new IllegalStateException("power cut");
            }
            overflow(first);
          });
      assertThatThrownBy(() -> completed(first, WILD)).hasMessage("power cut");
      var second = new RecordingContext(store, first.runId(), 2);
      second.onProceed(() -> overflow(second));

      assertThat(adapter(completed(second, WILD))).isEqualTo(expected);
      assertThat(second.events(Started.class).getFirst().step()).isEqualTo(resumedAt);
      assertThat(rates(second)).isEqualTo(rates(undisturbed).tailMap(resumedAt + 1));
    }
  }

  private static void overflow(RecordingContext context) {
    var steps = context.events(StepsCompleted.class);
    if (context.events(RolledBack.class).isEmpty()
        && !steps.isEmpty()
        && steps.getLast().step() == 3
        && steps.getLast().learningRate() == 1e-3) {
      throw Overflow.at(4);
    }
  }

  @Test
  void aPausedTrainingSavesFirstAndEndsWithTheSameBytesWhenItGoesOn() {
    var expected = adapter(completed(context("never paused", 1), CALM));
    var first = context("paused", 1);
    first.want(new Control(Desired.RUNNING, 1, 1L, 0L)); // a checkpoint, as soon as may be
    first.onProceed(
        () -> {
          if (first.events(StepsCompleted.class).size() == 2) {
            first.want(new Control(Desired.PAUSED, 2, 1L, 0L));
          }
        });

    assertThatThrownBy(() -> completed(first, CALM)).isInstanceOf(RunPaused.class);

    assertThat(first.events(CheckpointSaved.class))
        .extracting(CheckpointSaved::step)
        .containsExactly(1L, 3L);
    var safe = first.head().checkpoint().manifest();
    assertThat(first.events().getLast())
        .isInstanceOfSatisfying(
            Paused.class,
            paused -> {
              assertThat(paused.step()).isEqualTo(3);
              assertThat(paused.checkpoint()).isEqualTo(safe);
            });
    var second = new RecordingContext(store, first.runId(), 2);
    second.want(new Control(Desired.RUNNING, 3, 1L, 0L));
    assertThat(adapter(completed(second, CALM))).isEqualTo(expected);
    assertThat(second.events(Started.class).getFirst().step()).isEqualTo(3);
    // the wish is fulfilled already
    assertThat(second.events(CheckpointSaved.class))
        .extracting(CheckpointSaved::step)
        .containsExactly(3L, 4L);
  }

  @Test
  void aTrainingThatIsPausedBeforeItsFirstStepBeginsAnew() {
    var context = context("early", 1);
    context.want(new Control(Desired.PAUSED, 1));

    assertThatThrownBy(() -> completed(context, CALM)).isInstanceOf(RunPaused.class);

    assertThat(context.events())
        .singleElement()
        .isInstanceOfSatisfying(Paused.class, p -> assertThat(p.checkpoint()).isNull());
  }

  @Test
  void trainingEndsWithWhatItHasWhenItsTimeIsOver() {
    var o = CALM.optimizer();
    var hasty =
        CALM.with(
            new OptimizerPlan(
                o.batchSize(),
                o.gradientAccumulationSteps(),
                null,
                1000,
                o.learningRate(),
                o.lrScheduler(),
                o.lrWarmupSteps(),
                o.adamBeta1(),
                o.adamBeta2(),
                o.adamEpsilon(),
                o.weightDecay(),
                o.maxGradNorm(),
                false,
                Duration.ofMillis(1),
                null,
                null,
                1,
                1.0,
                null));
    var context = context("hasty", 1);

    var completed = completed(context, hasty);

    assertThat(completed.stoppedEarly()).isEqualTo("time");
    assertThat(completed.total()).isEqualTo(1);
    var again = new RecordingContext(store, context.runId(), 2);
    assertThat(adapter(completed(again, hasty))).isEqualTo(adapter(completed));
    assertThat(again.events(StepsCompleted.class)).isEmpty();
  }

  @Test
  void whatDoesNotFitIntoMemoryIsComputedInSmallerPiecesToTheSameEnd() {
    var expected = context("roomy", 1);
    completed(expected, CALM);
    var first = context("short of memory", 1);
    var isTold = new AtomicBoolean();
    first.onProceed(
        () -> {
          int done = first.events(StepsCompleted.class).size();
          if (done == 1 && !isTold.getAndSet(true)) {
            throw SHORTAGE;
          }
          if (done == 3) {
            throw new IllegalStateException("power cut");
          }
        });

    assertThatThrownBy(() -> completed(first, CALM)).hasMessage("power cut");

    assertThat(first.events(BatchReduced.class))
        .singleElement()
        .satisfies(
            reduced -> {
              assertThat(reduced.step()).isEqualTo(2);
              assertThat(reduced.microBatch()).isEqualTo(1);
              assertThat(reduced.accumulation()).isEqualTo(2);
            });
    assertThat(first.events(CheckpointSaved.class))
        .extracting(CheckpointSaved::step)
        .containsExactly(2L);
    var second = new RecordingContext(store, first.runId(), 2);
    var pieces = new AtomicInteger();
    second.onProceed(
        () -> {
          if (!second.events(Started.class).isEmpty()
              && second.events(StepsCompleted.class).isEmpty()) {
            pieces.incrementAndGet();
          }
        });
    completed(second, CALM);
    assertThat(pieces).hasValue(2); // its first batch of two is still computed in two
    var losses = new ArrayList<>(losses(first).subList(0, 2));
    losses.addAll(losses(second));
    assertThat(losses).hasSize(4);
    for (int i = 0; i < 4; i++) {
      assertThat(losses.get(i)).isCloseTo(losses(expected).get(i), Offset.offset(1e-4));
    }
  }

  @Test
  void aMachineOnWhichNotOnePictureFitsIsNamed() {
    var context = context("tiny machine", 1);
    context.onProceed(
        () -> {
          if (!context.events(Started.class).isEmpty()) {
            throw SHORTAGE;
          }
        });

    assertThatThrownBy(() -> completed(context, CALM))
        .isInstanceOfSatisfying(
            PipelineException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.DEVICE_OUT_OF_MEMORY);
              assertThat(e.hint()).contains("gradient_checkpointing");
            });
  }

  @Test
  void picturesAreDrawnOnTheWayWithoutChangingWhatIsLearned() throws Exception {
    var plan =
        CALM.with(KeepPlan.of(2))
            .with(new PreviewPlan(List.of("a red square", ""), 3, "euler_a", 2.0, 2, 7L, true));
    var whole = context("drawn", 1);
    whole.want(new Control(Desired.RUNNING, 1, 0L, 1L)); // besides, as soon as may be
    var expected = completed(whole, plan);
    var without = completed(context("not drawn", 1), CALM.with(KeepPlan.of(2)));

    assertThat(adapter(expected)).isEqualTo(adapter(without));
    assertThat(whole.events(PreviewSaved.class))
        .extracting(PreviewSaved::step)
        .containsExactly(0L, 0L, 1L, 1L, 3L, 3L, 4L, 4L);
    var first = whole.events(PreviewSaved.class).getFirst();
    assertThat(first.prompt()).isEqualTo("a red square");
    assertThat(first.seed()).isEqualTo(7);
    assertThat(first.artifact().name()).isEqualTo("previews/step-000000-0.png");
    var picture = ImageIO.read(new ByteArrayInputStream(bytes(first.artifact())));
    assertThat(List.of(picture.getWidth(), picture.getHeight())).containsExactly(64, 64);
    var curves = new String(bytes(curves(expected)), StandardCharsets.ISO_8859_1);
    assertThat(curves).contains("preview/1").contains("PNG");
    // with the same noise what differs is the adapter
    assertThat(pictures(whole).get(0)).isNotEqualTo(pictures(whole).get(6));

    var cut = context("drawn, cut", 1);
    cut.want(new Control(Desired.RUNNING, 1, 0L, 1L));
    cut.onProceed(
        () -> {
          if (cut.events(StepsCompleted.class).size() == 3) {
            throw new IllegalStateException("power cut");
          }
        });
    assertThatThrownBy(() -> completed(cut, plan)).hasMessage("power cut");
    var second = new RecordingContext(store, cut.runId(), 2);
    second.want(new Control(Desired.RUNNING, 1, 0L, 1L));

    assertThat(adapter(completed(second, plan))).isEqualTo(adapter(expected));
    assertThat(pictures(second)).isEqualTo(pictures(whole).subList(4, 8));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{'prediction_type': 'v_prediction'}",
        "{'clip_skip': 2}",
        "{'max_token_length': 150}"
      })
  void picturesAreDrawnByWhatIsLearned(String otherwise) throws Exception {
    var plan =
        TinyRun.with(CALM, "{'max_train_steps': 1}")
            .with(new PreviewPlan(List.of("a red square"), 3, "ddim", 2.0, 2, 7L, true));
    var usual = context("drawn as usual " + otherwise, 1);
    completed(usual, plan);
    var other = context("drawn otherwise " + otherwise, 1);
    completed(other, TinyRun.with(plan, otherwise));

    // nothing is learned yet: the pictures differ in how they are drawn
    assertThat(pictures(other).getFirst()).isNotEqualTo(pictures(usual).getFirst());
  }

  @Test
  void aSamplerThatDoesNotSuitTheModelIsRefusedBeforeAnyWork() {
    var context = context("unfit", 1);
    var plan = CALM.with(new PreviewPlan(List.of("a red square"), 3, "pndm", 2.0, 1000, 7L, false));

    assertThatThrownBy(() -> completed(context, plan))
        .isInstanceOfSatisfying(
            PipelineException.class,
            e -> {
              assertThat(e.code()).isEqualTo(ErrorCode.REQUEST_INVALID);
              assertThat(e).hasMessageContaining("preview_sampler pndm");
            });
    assertThat(context.events(StepsCompleted.class)).isEmpty();
  }

  private static List<Sha256> pictures(RecordingContext context) {
    return context.events(PreviewSaved.class).stream()
        .map(preview -> preview.artifact().object().sha256())
        .toList();
  }

  private static Artifact curves(Completed completed) {
    return completed.artifacts().stream()
        .filter(artifact -> artifact.name().contains("tfevents"))
        .findFirst()
        .orElseThrow();
  }

  private byte[] bytes(Artifact artifact) {
    return store.read(artifact.object().bucket(), artifact.object().key()).orElseThrow().bytes();
  }

  private static List<Double> losses(RecordingContext context) {
    return context.events(StepsCompleted.class).stream().map(StepsCompleted::loss).toList();
  }

  /** The rate of each step; where one was taken again, that of the last time. */
  private static SortedMap<Long, Double> rates(RecordingContext context) {
    var rates = new TreeMap<Long, Double>();
    context
        .events(StepsCompleted.class)
        .forEach(steps -> rates.put(steps.step(), steps.learningRate()));
    return rates;
  }

  private RecordingContext context(String name, int attempt) {
    var run = new TinyRun(store, RunId.of("control", name)).prepare(PICTURES);
    return new RecordingContext(store, run.id(), attempt);
  }

  private Completed completed(RecordingContext context, TrainingPlan plan) {
    var flow = TinyRun.flow(store, folder, HERE);
    var done = flow.run(new TinyRun(store, context.runId()).request(plan), context);
    return (Completed)
        done.apply(new EventStamp(context.runId(), context.attempt(), 99, Instant.EPOCH));
  }
}
