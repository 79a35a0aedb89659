package flora.schemas.run;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import flora.schemas.ErrorCode;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.node.ObjectNode;

/** What people want of a run while it trains, and what they see of it. */
class RunControlTest {

  private static final RunId RUN = RunId.of("control");
  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");

  @Test
  void aPausedRunSaysSoUntilItIsTrainedFurther() {
    var paused =
        fold(
            new TrainingEvent.Started(RUN, 1, 1, at(1), 0, 1000),
            new TrainingEvent.StepsCompleted(RUN, 1, 2, at(2), 40, 1000, 0.3, 1e-4, 0.1, 0.5, 12),
            new RunEvent.ControlChanged(RUN, 1, 2, at(3), Control.Desired.PAUSED, 1),
            new TrainingEvent.Paused(RUN, 1, 3, at(4), 41, ref("manifest")));
    assertThat(paused.status()).isEqualTo(Run.Status.PAUSED);
    assertThat(paused.stages().get(Stage.TRAIN).paused()).isEqualTo(Failure.paused());
    assertThat(paused.stages().get(Stage.TRAIN).done()).isEqualTo(40);
    assertThat(paused.finishedAt()).isNull();

    assertThat(RunJoin.join(paused, new TrainingEvent.Resumed(RUN, 1, 4, at(5), 41)).status())
        .isEqualTo(Run.Status.TRAINING);
    assertThat(RunJoin.join(paused, new TrainingEvent.Started(RUN, 2, 1, at(5), 41, 1000)).status())
        .isEqualTo(Run.Status.TRAINING);
    assertThat(RunJoin.join(paused, new TrainingEvent.Cancelled(RUN, 2, 1, at(6))).status())
        .isEqualTo(Run.Status.CANCELLED);
  }

  /** Nobody works on it, so nobody else will say so. */
  @Test
  void aRunThatIsCancelledWhileItIsPausedIsOver() {
    var run =
        fold(
            new TrainingEvent.Paused(RUN, 1, 3, at(4), 41, null),
            new RunEvent.CancelRequested(RUN, 1, 3, at(6), 2));

    assertThat(run.status()).isEqualTo(Run.Status.CANCELLED);
    assertThat(run.finishedAt()).isEqualTo(at(6));
  }

  @Test
  void aFetchThatWaitsForRoomIsNotOverWhenItIsToBeCancelled() {
    var full = new Failure(ErrorCode.INSUFFICIENT_DISK, "no room", null);
    var run =
        fold(
            new FetchEvent.Paused(RUN, 1, 3, at(4), full),
            new RunEvent.CancelRequested(RUN, 1, 3, at(6), 2));

    assertThat(run.status()).isEqualTo(Run.Status.PAUSED);
    assertThat(run.finishedAt()).isNull();
  }

  @Test
  void aPausedLabellingSaysSo() {
    var paused =
        fold(
            new LabelEvent.Started(RUN, 1, 1, at(1), 3),
            new LabelEvent.Paused(RUN, 1, 2, at(2), Failure.paused()));

    assertThat(paused.status()).isEqualTo(Run.Status.PAUSED);
    assertThat(RunJoin.join(paused, new LabelEvent.Started(RUN, 2, 1, at(3), 3)).status())
        .isEqualTo(Run.Status.LABELLING);
  }

  @Test
  void whatTrainingDidOfItsOwnAccordIsAWarning() {
    var run =
        fold(
            new TrainingEvent.BatchReduced(RUN, 1, 1, at(1), 7, 2, 2),
            new TrainingEvent.RolledBack(RUN, 1, 2, at(2), 9, 5, 0.5, 1, "the loss is NaN"));

    assertThat(run.stages().get(Stage.TRAIN).warnings())
        .anyMatch(w -> w.startsWith("step 8 did not fit in memory") && w.contains("2 at a time"))
        .anyMatch(w -> w.contains("the loss is NaN") && w.contains("back to step 5"));
  }

  @Test
  void ofTheLossesOnUnseenPicturesTheNewestStands() {
    var later = new TrainingEvent.Validated(RUN, 2, 3, at(9), 50, 0.3, 0.2, 40, 1);
    var run =
        fold(
            later,
            new TrainingEvent.Validated(RUN, 1, 9, at(5), 100, 0.1, 0.1, 100, 0),
            new TrainingEvent.Validated(RUN, 2, 2, at(8), 40, 0.2, 0.2, 40, 0));

    assertThat(run.validation()).isEqualTo(new Run.Validation(50, 0.3, 0.2, 40, 2, 3));
  }

  @Test
  void previewsStandByStepAndTheLaterAttemptWins() {
    var run =
        fold(
            preview(1, 3, 200, 0),
            preview(1, 2, 100, 1),
            preview(1, 1, 100, 0),
            preview(2, 1, 200, 0));

    assertThat(run.previews())
        .extracting(Run.Preview::name, Run.Preview::attempt)
        .containsExactly(
            tuple("previews/step-000100-0.png", 1),
            tuple("previews/step-000100-1.png", 1),
            tuple("previews/step-000200-0.png", 2));
    assertThat(run.artifacts()).isEmpty();
  }

  @Test
  void aRecordOfARunFromBeforeThereWerePreviewsIsRead() {
    var old = (ObjectNode) Json.mapper().readTree(Json.bytes(submitted()));
    old.remove("previews");
    old.remove("validation");

    assertThat(Json.mapper().treeToValue(old, Run.class)).isEqualTo(submitted());
  }

  @Test
  void whatPeopleWantedBeforeTheyCouldPauseIsRead() {
    var old = "{\"desired\":\"cancelled\",\"version\":3}".getBytes(UTF_8);

    var control = Json.read(old, Control.class);

    assertThat(control).isEqualTo(new Control(Control.Desired.CANCELLED, 3));
    assertThat(Json.bytes(control)).isEqualTo(old);
    var asked = control.askingForSave().askingForPreviews().desiring(Control.Desired.PAUSED);
    assertThat(asked).isEqualTo(new Control(Control.Desired.PAUSED, 6, 1L, 1L));
    assertThat(Json.read(Json.bytes(asked), Control.class)).isEqualTo(asked);
  }

  private static TrainingEvent.PreviewSaved preview(int attempt, long seq, long step, int number) {
    var name = "previews/step-%06d-%d.png".formatted(step, number);
    return new TrainingEvent.PreviewSaved(
        RUN, attempt, seq, at(seq), step, "a cat", 7, new Artifact(name, ref(name + attempt)));
  }

  private static Run submitted() {
    return fold();
  }

  private static Run fold(Event... events) {
    var dataset =
        new DatasetSource(
            "pictures",
            null,
            new LabelOptions(LabelOptions.Labeler.NONE, null, Map.of(), List.of(), 0.2, 3, null));
    var run =
        RunJoin.join(
            RunJoin.empty(RUN),
            new RunEvent.Submitted(
                RUN,
                1,
                1,
                START,
                new RunRequest("mine", null, dataset, null),
                ref("request"),
                List.of(Stage.values()),
                List.of()));
    for (var event : events) {
      run = RunJoin.join(run, event);
    }
    return run;
  }

  private static Instant at(long second) {
    return START.plusSeconds(second);
  }

  private static ObjectRef ref(String content) {
    return new ObjectRef(
        StoreLayout.RUNS,
        StoreLayout.attempt(RUN, 1, content),
        content.length(),
        Sha256.sum(content.getBytes(UTF_8)));
  }
}
