package flora.stage;

import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Failure;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.Head;
import flora.schemas.training.TrainingEvent;
import org.jspecify.annotations.Nullable;

/** The events that every stage has, in the stage's own family. */
final class StageEvents {

  private StageEvents() {}

  /** It failed; without a failure, it was cancelled. */
  static Event ended(Stage stage, EventStamp s, @Nullable Failure failure) {
    if (failure == null) {
      return switch (stage) {
        case FETCH -> new FetchEvent.Cancelled(s.runId(), s.attempt(), s.seq(), s.at());
        case LABEL -> new LabelEvent.Cancelled(s.runId(), s.attempt(), s.seq(), s.at());
        case TRAIN -> new TrainingEvent.Cancelled(s.runId(), s.attempt(), s.seq(), s.at());
      };
    }
    return switch (stage) {
      case FETCH -> new FetchEvent.Failed(s.runId(), s.attempt(), s.seq(), s.at(), failure);
      case LABEL -> new LabelEvent.Failed(s.runId(), s.attempt(), s.seq(), s.at(), failure);
      case TRAIN -> new TrainingEvent.Failed(s.runId(), s.attempt(), s.seq(), s.at(), failure);
    };
  }

  /** It stopped because somebody asked to pause, and goes on from what the head knows. */
  static Event paused(Stage stage, EventStamp s, Head head) {
    var why = Failure.paused();
    return switch (stage) {
      case FETCH -> new FetchEvent.Paused(s.runId(), s.attempt(), s.seq(), s.at(), why);
      case LABEL -> new LabelEvent.Paused(s.runId(), s.attempt(), s.seq(), s.at(), why);
      case TRAIN -> {
        var newest = head.checkpoint();
        yield new TrainingEvent.Paused(
            s.runId(),
            s.attempt(),
            s.seq(),
            s.at(),
            newest == null ? 0 : newest.step(),
            newest == null ? null : newest.manifest());
      }
    };
  }

  /** The head with a stage's last word. */
  static Head completed(Head head, Event event) {
    return switch (event) {
      case FetchEvent.Completed done -> head.with(done);
      case LabelEvent.Completed done -> head.with(done);
      case TrainingEvent.Completed done -> head.with(done);
      default ->
          throw new IllegalStateException(
              "a stage's flow returns its Completed event, not " + event.getClass().getName());
    };
  }

  /** A stage's last word as the head remembers it; null when it is not done. */
  static @Nullable Event completed(Head head, Stage stage) {
    return switch (stage) {
      case FETCH -> head.fetch();
      case LABEL -> head.label();
      case TRAIN -> head.train();
    };
  }
}
