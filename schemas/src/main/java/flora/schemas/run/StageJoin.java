package flora.schemas.run;

import static java.util.Comparator.comparing;
import static java.util.Comparator.comparingLong;
import static java.util.Comparator.naturalOrder;
import static java.util.Comparator.nullsFirst;
import static java.util.Comparator.reverseOrder;

import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.training.TrainingEvent;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** The part of {@link RunJoin} that is about one stage: what an event says of it, and the join. */
final class StageJoin {

  /** Which of two states of one attempt stays: what ends the stage, then what came later. */
  private static final Comparator<StageState> WITHIN_ATTEMPT =
      comparing((StageState s) -> s.status().isTerminal())
          .thenComparingLong(StageState::seq)
          // a dead letter may carry the same number as the stage's own last word
          .thenComparing(StageState::status)
          .thenComparing(s -> String.valueOf(s.error()))
          .thenComparing(StageState::at, nullsFirst(naturalOrder()));

  private static final Comparator<StageState> PROGRESS =
      comparingLong(StageState::progressSeq)
          .thenComparingLong(StageState::done)
          .thenComparingLong(StageState::total);

  /**
   * Only pausing and resuming say whether a stage waits; whatever else it tells meanwhile does not.
   */
  private static final Comparator<StageState> PAUSE =
      comparingLong(StageState::pausedSeq).thenComparing(s -> String.valueOf(s.paused()));

  /** Of two successes the first: what has succeeded never changes again. */
  private static final Comparator<StageState> FIRST_SUCCESS =
      comparing((StageState s) -> s.status() == StageState.Status.SUCCEEDED)
          .thenComparing(StageState::attempt, reverseOrder())
          .thenComparing(StageState::seq, reverseOrder());

  private StageJoin() {}

  /** Two states of one stage, joined. */
  static StageState join(StageState a, StageState b) {
    // of all attempts together: which attempt's state stays may depend on what is yet to come
    var warnings =
        Stream.concat(a.warnings().stream(), b.warnings().stream()).distinct().sorted().toList();
    if (a.status() == StageState.Status.SUCCEEDED || b.status() == StageState.Status.SUCCEEDED) {
      return with(FIRST_SUCCESS.compare(a, b) >= 0 ? a : b, warnings);
    }
    if (a.attempt() != b.attempt()) {
      return with(a.attempt() > b.attempt() ? a : b, warnings);
    }
    var state = WITHIN_ATTEMPT.compare(a, b) >= 0 ? a : b;
    var progress = PROGRESS.compare(a, b) >= 0 ? a : b;
    var pause = PAUSE.compare(a, b) >= 0 ? a : b;
    return new StageState(
        state.status(),
        state.attempt(),
        state.seq(),
        state.at(),
        progress.progressSeq(),
        progress.done(),
        progress.total(),
        state.unit(),
        progress.loss(),
        progress.learningRate(),
        progress.etaSeconds(),
        progress.bytesPerSecond(),
        warnings,
        pause.pausedSeq(),
        state.status().isTerminal() ? null : pause.paused(),
        state.error());
  }

  private static StageState with(StageState s, List<String> warnings) {
    return new StageState(
        s.status(),
        s.attempt(),
        s.seq(),
        s.at(),
        s.progressSeq(),
        s.done(),
        s.total(),
        s.unit(),
        s.loss(),
        s.learningRate(),
        s.etaSeconds(),
        s.bytesPerSecond(),
        warnings,
        s.pausedSeq(),
        s.paused(),
        s.error());
  }

  // what one event says of its stage

  static StageState untouched(StageState.Status status, Stage stage) {
    return new StageState(
        status,
        0,
        0,
        null,
        0,
        0,
        0,
        stage.unit(),
        null,
        null,
        null,
        null,
        List.of(),
        0,
        null,
        null);
  }

  static StageState running(Event e, Stage stage) {
    return state(StageState.Status.RUNNING, e, stage, 0, null, null);
  }

  static StageState running(Event e, Stage stage, long done, long total) {
    return progress(StageState.Status.RUNNING, e, stage, done, total, null, null, null, null);
  }

  static StageState fetching(FetchEvent.Progressed e) {
    return progress(
        StageState.Status.RUNNING,
        e,
        Stage.FETCH,
        e.done(),
        e.total(),
        null,
        null,
        e.etaSeconds(),
        e.bytesPerSecond());
  }

  static StageState running(Event e, Stage stage, String warning) {
    return with(running(e, stage), List.of(warning));
  }

  static StageState fetching(FetchEvent.Started e) {
    var warnings = e.warnings().stream().distinct().sorted().toList();
    return with(running(e, Stage.FETCH, 0, e.total()), warnings);
  }

  static StageState paused(Event e, Stage stage, Failure reason) {
    return state(StageState.Status.RUNNING, e, stage, e.seq(), reason, null);
  }

  static StageState resumed(Event e, Stage stage) {
    return state(StageState.Status.RUNNING, e, stage, e.seq(), null, null);
  }

  static String warning(TrainingEvent.BatchReduced e) {
    return "step %d did not fit in memory: pictures are computed %d at a time now, with the same result"
        .formatted(e.step() + 1, e.microBatch());
  }

  static String warning(TrainingEvent.RolledBack e) {
    return "step %d: %s; training went back to step %d with %s times the learning rate"
        .formatted(e.step(), e.reason(), e.toStep(), e.rateFactor());
  }

  static StageState training(TrainingEvent.StepsCompleted e) {
    return progress(
        StageState.Status.RUNNING,
        e,
        Stage.TRAIN,
        e.step(),
        e.total(),
        e.loss(),
        e.learningRate(),
        e.etaSeconds(),
        null);
  }

  static StageState labelling(LabelEvent.Started e) {
    return warned(running(e, Stage.LABEL, 0, e.total()), e.warnings());
  }

  static StageState labelled(LabelEvent.Completed e) {
    return warned(succeeded(e, Stage.LABEL, e.rows() + e.rejected(), null), e.warnings());
  }

  private static StageState warned(StageState state, @Nullable List<String> warnings) {
    return with(
        state, warnings == null ? List.of() : warnings.stream().distinct().sorted().toList());
  }

  static StageState succeeded(Event e, Stage stage, long total, @Nullable Double loss) {
    return progress(StageState.Status.SUCCEEDED, e, stage, total, total, loss, null, null, null);
  }

  static StageState failed(Event e, Stage stage, Failure error) {
    return state(StageState.Status.FAILED, e, stage, 0, null, error);
  }

  static StageState cancelled(Event e, Stage stage) {
    return state(StageState.Status.CANCELLED, e, stage, 0, null, null);
  }

  private static StageState state(
      StageState.Status status,
      Event e,
      Stage stage,
      long pausedSeq,
      @Nullable Failure paused,
      @Nullable Failure error) {
    return new StageState(
        status,
        e.attempt(),
        e.seq(),
        e.at(),
        0,
        0,
        0,
        stage.unit(),
        null,
        null,
        null,
        null,
        List.of(),
        pausedSeq,
        paused,
        error);
  }

  private static StageState progress(
      StageState.Status status,
      Event e,
      Stage stage,
      long done,
      long total,
      @Nullable Double loss,
      @Nullable Double learningRate,
      @Nullable Long etaSeconds,
      @Nullable Long bytesPerSecond) {
    return new StageState(
        status,
        e.attempt(),
        e.seq(),
        e.at(),
        e.seq(),
        done,
        total,
        stage.unit(),
        loss,
        learningRate,
        etaSeconds,
        bytesPerSecond,
        List.of(),
        0,
        null,
        null);
  }
}
