package flora.trainer;

import static flora.trainer.TinyRun.adapter;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.EventStamp;
import flora.schemas.RunId;
import flora.schemas.request.KeepPlan;
import flora.schemas.request.OptimizerPlan;
import flora.schemas.request.TrainingPlan;
import flora.schemas.training.TrainingEvent.Completed;
import flora.schemas.training.TrainingEvent.RolledBack;
import flora.schemas.training.TrainingEvent.Started;
import flora.schemas.training.TrainingEvent.StepsCompleted;
import flora.store.memory.MemoryObjectStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What may happen to a training on its way: it ends with the same bytes all the same. */
class RunControlIT {

  private static final ComputeFingerprint HERE = TrainerApplication.thisMachine();
  private static final List<String> PICTURES = List.of("photo.jpg", "tall.png", "panorama.png");

  private static final OptimizerPlan WILD =
      OptimizerPlan.of(
          2,
          1,
          OptimizerPlan.Length.ofSteps(6),
          new OptimizerPlan.Rate(16, TrainingPlan.LrScheduler.COSINE, 2),
          OptimizerPlan.AdamW.DEFAULT);

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @TempDir Path folder;

  /** At so high a rate numbers overflow, at half of it no longer. */
  @Test
  void trainingGoesBackAtHalfTheRateWhereNumbersOverflowAndSoAgainAfterAPowerCut() {
    var plan = TinyRun.PLAN.with(WILD).with(KeepPlan.of(2));
    var undisturbed = context("wild", 1);
    var expected = adapter(completed(undisturbed, plan));
    var rolledBack = undisturbed.events(RolledBack.class);
    assertThat(rolledBack).isNotEmpty().hasSizeLessThan(4);
    assertThat(rolledBack.getFirst().toStep()).isEqualTo(2);
    assertThat(rolledBack.getFirst().step()).isBetween(3L, 4L);
    assertThat(rolledBack.getFirst().rateFactor()).isEqualTo(0.5);
    assertThat(rolledBack.getFirst().reason()).contains("of step " + rolledBack.getFirst().step());

    // amid the first rollback, and after a checkpoint that knows of it
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
          });
      assertThatThrownBy(() -> completed(first, plan)).hasMessage("power cut");
      var second = new RecordingContext(store, first.runId(), 2);

      assertThat(adapter(completed(second, plan))).isEqualTo(expected);
      assertThat(second.events(Started.class).getFirst().step()).isEqualTo(resumedAt);
      assertThat(rates(second)).isEqualTo(rates(undisturbed).tailMap(resumedAt + 1));
    }
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
