package flora.schemas.run;

import com.fasterxml.jackson.annotation.JsonProperty;
import flora.schemas.ErrorCode;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.request.RunRequest;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A run as {@code GET /v1/runs/{id}} and {@code runs.v1} show it.
 *
 * @param object always {@code run}
 * @param id the run
 * @param name as in the request
 * @param status the whole run's state
 * @param stalled no event for 30 s and no live lease
 * @param attempt the highest attempt at any stage
 * @param createdAt when it was submitted
 * @param startedAt when its first stage started
 * @param finishedAt when it ended
 * @param request the effective request
 * @param warnings what the person should know
 * @param stages every stage's state, in order
 * @param cancelRequested whether somebody asked to cancel it
 * @param error why it failed
 * @param datasetVersion the dataset version it made or used
 * @param checkpoints what it can resume from, by step
 * @param artifacts the files it left
 */
public record Run(
    String object,
    RunId id,
    @Nullable String name,
    Status status,
    boolean stalled,
    int attempt,
    @Nullable Instant createdAt,
    @Nullable Instant startedAt,
    @Nullable Instant finishedAt,
    @Nullable RunRequest request,
    List<String> warnings,
    Map<Stage, StageState> stages,
    boolean cancelRequested,
    @Nullable RunError error,
    @Nullable Sha256 datasetVersion,
    List<SavedCheckpoint> checkpoints,
    List<RunArtifact> artifacts) {

  /** State of a whole run. */
  public enum Status {
    @JsonProperty("queued")
    QUEUED,
    @JsonProperty("fetching")
    FETCHING,
    @JsonProperty("labelling")
    LABELLING,
    @JsonProperty("training")
    TRAINING,
    @JsonProperty("paused")
    PAUSED,
    @JsonProperty("succeeded")
    SUCCEEDED,
    @JsonProperty("failed")
    FAILED,
    @JsonProperty("cancelled")
    CANCELLED;

    /** Whether nothing more happens. */
    public boolean isTerminal() {
      return this == SUCCEEDED || this == FAILED || this == CANCELLED;
    }
  }

  /** Why a run failed. */
  public record RunError(ErrorCode code, Stage stage, String message, @Nullable String hint) {}

  /** A checkpoint. {@code url} is where the gateway serves its adapter. */
  public record SavedCheckpoint(long step, double loss, String url) {}

  /** A file that the run left. {@code url} is where the gateway serves it. */
  public record RunArtifact(String name, long size, Sha256 sha256, String url) {}
}
