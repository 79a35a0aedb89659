package flora.schemas.training;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.List;

/** What happens while an adapter is trained; topic {@code training.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface TrainingEvent extends Event {

  /**
   * Model and data are loaded and training begins, or goes on.
   *
   * @param step optimizer steps that are done already
   * @param total optimizer steps
   */
  @JsonTypeName("started")
  record Started(RunId runId, int attempt, long seq, Instant at, long step, long total)
      implements TrainingEvent {}

  /**
   * Steps were taken since the last event; at most one event a second.
   *
   * @param step optimizer steps done
   * @param total optimizer steps
   * @param loss mean over the steps since the last event
   * @param learningRate of the last step
   * @param gradNorm total norm before clipping, of the last step
   * @param secondsPerStep over the last steps
   * @param etaSeconds until the last step
   */
  @JsonTypeName("steps_completed")
  record StepsCompleted(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long step,
      long total,
      double loss,
      double learningRate,
      double gradNorm,
      double secondsPerStep,
      long etaSeconds)
      implements TrainingEvent {}

  /**
   * Everything that a resume needs lies in the store.
   *
   * @param step optimizer steps done
   * @param loss mean since the checkpoint before
   * @param manifest lists the checkpoint's files
   */
  @JsonTypeName("checkpoint_saved")
  record CheckpointSaved(
      RunId runId, int attempt, long seq, Instant at, long step, double loss, ObjectRef manifest)
      implements TrainingEvent {}

  /**
   * Training went on from a checkpoint on another machine or another number of threads, so that the
   * result may differ in the last digits.
   *
   * @param step the checkpoint's step
   * @param was the fingerprint it was written under
   * @param is the fingerprint now
   */
  @JsonTypeName("resumed_inexactly")
  record ResumedInexactly(
      RunId runId, int attempt, long seq, Instant at, long step, String was, String is)
      implements TrainingEvent {}

  /**
   * One adapter file lies in the store and loads again.
   *
   * @param artifact the file
   */
  @JsonTypeName("adapter_exported")
  record AdapterExported(RunId runId, int attempt, long seq, Instant at, Artifact artifact)
      implements TrainingEvent {}

  /**
   * The adapter is finished.
   *
   * @param total optimizer steps
   * @param loss mean over the last steps
   * @param artifacts its files
   */
  @JsonTypeName("completed")
  record Completed(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long total,
      double loss,
      List<Artifact> artifacts)
      implements TrainingEvent {
    public Completed {
      artifacts = List.copyOf(artifacts);
    }
  }

  /** It cannot be done. */
  @JsonTypeName("failed")
  record Failed(RunId runId, int attempt, long seq, Instant at, Failure error)
      implements TrainingEvent {}

  /** It was stopped because somebody asked. */
  @JsonTypeName("cancelled")
  record Cancelled(RunId runId, int attempt, long seq, Instant at) implements TrainingEvent {}
}
