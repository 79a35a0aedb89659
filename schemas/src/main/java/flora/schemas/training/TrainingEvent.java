package flora.schemas.training;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import flora.schemas.Event;
import flora.schemas.Failure;
import flora.schemas.RunId;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What happens while an adapter is trained; topic {@code training.events.v1}. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "type")
public sealed interface TrainingEvent extends Event {

  /**
   * Model and data are loaded and training begins, or goes on.
   *
   * @param step optimizer steps that are done already
   * @param total optimizer steps
   * @param batchSize pictures in one forward pass, where it was not asked for by number
   * @param microBatch pictures that are computed at once
   * @param device what computes
   */
  @JsonTypeName("started")
  record Started(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long step,
      long total,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Integer batchSize,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Integer microBatch,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String device)
      implements TrainingEvent {

    /** Of a batch that was asked for by number. */
    public Started(RunId runId, int attempt, long seq, Instant at, long step, long total) {
      this(runId, attempt, seq, at, step, total, null, null, null);
    }
  }

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
   * @param smoothedLoss mean over the last steps, the newer the heavier
   * @param samplesPerSecond pictures, over the last steps
   * @param cpuPercent of all cores, by this process
   * @param memoryBytes resident memory of this process
   * @param gpuPercent of the GPU, by all processes
   * @param gpuMemoryBytes of the GPU, in use by all processes
   * @param lossScale what the loss is multiplied by in half precision
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
      long etaSeconds,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Double smoothedLoss,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Double samplesPerSecond,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Double cpuPercent,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long memoryBytes,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Double gpuPercent,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long gpuMemoryBytes,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Double lossScale)
      implements TrainingEvent {

    /** Of the steps alone. */
    public StepsCompleted(
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
        long etaSeconds) {
      this(
          runId,
          attempt,
          seq,
          at,
          step,
          total,
          loss,
          learningRate,
          gradNorm,
          secondsPerStep,
          etaSeconds,
          null,
          null,
          null,
          null,
          null,
          null,
          null);
    }
  }

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
   * A picture was drawn with the adapter as it is.
   *
   * @param step optimizer steps done
   * @param prompt what was drawn
   * @param seed of the noise that it began with
   * @param artifact the picture
   */
  @JsonTypeName("preview_saved")
  record PreviewSaved(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long step,
      String prompt,
      long seed,
      Artifact artifact)
      implements TrainingEvent {}

  /**
   * The loss on the pictures that are not trained on.
   *
   * @param step optimizer steps done
   * @param loss mean over those pictures
   * @param bestLoss the least so far, this one included
   * @param bestStep the step that it is from
   * @param evaluationsWithoutDrop how many there were since the least one
   */
  @JsonTypeName("validated")
  record Validated(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long step,
      double loss,
      double bestLoss,
      long bestStep,
      int evaluationsWithoutDrop)
      implements TrainingEvent {}

  /**
   * A step did not fit in memory; it was done again in smaller parts, with the same result.
   *
   * @param step optimizer steps done
   * @param microBatch pictures that are computed at once from now on
   * @param accumulation forward passes in one optimizer step from now on
   */
  @JsonTypeName("batch_reduced")
  record BatchReduced(
      RunId runId, int attempt, long seq, Instant at, long step, int microBatch, int accumulation)
      implements TrainingEvent {}

  /**
   * Training went astray; it goes on from an earlier step with a lower learning rate.
   *
   * @param step the step that failed
   * @param toStep the step that it goes on from
   * @param rateFactor what every learning rate is multiplied by from now on
   * @param times how often that has happened in this run
   * @param reason what was not a number
   */
  @JsonTypeName("rolled_back")
  record RolledBack(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long step,
      long toStep,
      double rateFactor,
      int times,
      String reason)
      implements TrainingEvent {}

  /**
   * It stopped because somebody asked, and goes on when somebody asks.
   *
   * @param step optimizer steps done
   * @param checkpoint manifest of the checkpoint that it goes on from; null = it begins anew
   */
  @JsonTypeName("paused")
  record Paused(
      RunId runId, int attempt, long seq, Instant at, long step, @Nullable ObjectRef checkpoint)
      implements TrainingEvent {}

  /**
   * It goes on.
   *
   * @param step optimizer steps done
   */
  @JsonTypeName("resumed")
  record Resumed(RunId runId, int attempt, long seq, Instant at, long step)
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
   * @param stoppedEarly why it ended before the last step: {@code validation} or {@code time}
   * @param bestStep the step that the adapter is from, where it is not the last
   */
  @JsonTypeName("completed")
  record Completed(
      RunId runId,
      int attempt,
      long seq,
      Instant at,
      long total,
      double loss,
      List<Artifact> artifacts,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable String stoppedEarly,
      @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Long bestStep)
      implements TrainingEvent {
    public Completed {
      artifacts = List.copyOf(artifacts);
    }

    /** Of all its steps. */
    public Completed(
        RunId runId,
        int attempt,
        long seq,
        Instant at,
        long total,
        double loss,
        List<Artifact> artifacts) {
      this(runId, attempt, seq, at, total, loss, artifacts, null, null);
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
