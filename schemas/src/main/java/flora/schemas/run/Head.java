package flora.schemas.run;

import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.label.LabelEvent;
import flora.schemas.store.ObjectRef;
import flora.schemas.training.TrainingEvent;
import java.time.Instant;
import org.jspecify.annotations.Nullable;

/**
 * {@code runs/{id}/head.json}: what the stages of a run have finished. A stage that finds its own
 * result here says it again instead of doing the work again.
 *
 * @param runId the run
 * @param epoch of the lease under which it was last written; a writer with a lower one is a zombie
 * @param fetch the fetch stage's last word, when it is done
 * @param label the label stage's last word, when it is done
 * @param checkpoint the newest complete checkpoint of the train stage
 * @param train the train stage's last word, when it is done
 * @param ended why the run came to nothing, when it did; whoever is asked again says it again
 */
public record Head(
    RunId runId,
    long epoch,
    FetchEvent.@Nullable Completed fetch,
    LabelEvent.@Nullable Completed label,
    @Nullable Checkpoint checkpoint,
    TrainingEvent.@Nullable Completed train,
    @Nullable Ended ended) {

  /**
   * A checkpoint that is complete in the store.
   *
   * @param step optimizer steps done
   * @param loss mean since the checkpoint before
   * @param manifest lists its files
   */
  public record Checkpoint(long step, double loss, ObjectRef manifest) {}

  /**
   * How a run came to nothing, with the stamp of the event that told so.
   *
   * @param stage the stage that it came to
   * @param attempt of the event
   * @param seq of the event
   * @param at of the event
   * @param failure why it failed, null when it was cancelled
   */
  public record Ended(Stage stage, int attempt, long seq, Instant at, @Nullable Failure failure) {}

  /** The head of a run that has finished nothing. */
  public static Head empty(RunId runId) {
    return new Head(runId, 0, null, null, null, null, null);
  }

  /** Whether a stage is done. */
  public boolean has(Stage stage) {
    return switch (stage) {
      case FETCH -> fetch != null;
      case LABEL -> label != null;
      case TRAIN -> train != null;
    };
  }

  /** With the fetch stage done. */
  public Head with(FetchEvent.Completed done) {
    return new Head(runId, epoch, done, label, checkpoint, train, ended);
  }

  /** With the label stage done. */
  public Head with(LabelEvent.Completed done) {
    return new Head(runId, epoch, fetch, done, checkpoint, train, ended);
  }

  /** With the train stage done. */
  public Head with(TrainingEvent.Completed done) {
    return new Head(runId, epoch, fetch, label, checkpoint, done, ended);
  }

  /** With a newer checkpoint. */
  public Head with(Checkpoint newer) {
    return new Head(runId, epoch, fetch, label, newer, train, ended);
  }

  /** With the end of the run. */
  public Head with(Ended end) {
    return new Head(runId, epoch, fetch, label, checkpoint, train, end);
  }

  /** As written under an epoch. */
  public Head under(long newEpoch) {
    return new Head(runId, newEpoch, fetch, label, checkpoint, train, ended);
  }
}
