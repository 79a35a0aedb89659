package flora.schemas.run;

import com.fasterxml.jackson.annotation.JsonProperty;
import flora.schemas.ErrorCode;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.request.RunRequest;
import flora.schemas.store.ObjectRef;
import java.time.Instant;
import java.util.Collections;
import java.util.EnumMap;
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
 * @param updatedAt the time of its newest event
 * @param request the effective request
 * @param warnings what the person should know
 * @param stages every stage's state, in order
 * @param cancelRequestedAt when somebody first asked to cancel it
 * @param error why it failed
 * @param datasetVersion the dataset version it made or used
 * @param checkpoints what it can resume from, by step
 * @param artifacts the files it left
 * @param previews the pictures that were drawn while it learned, by step
 * @param validation the newest loss on the pictures that are not trained on
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
    @Nullable Instant updatedAt,
    @Nullable RunRequest request,
    List<String> warnings,
    Map<Stage, StageState> stages,
    @Nullable Instant cancelRequestedAt,
    @Nullable RunError error,
    @Nullable Sha256 datasetVersion,
    List<SavedCheckpoint> checkpoints,
    List<RunArtifact> artifacts,
    List<Preview> previews,
    @Nullable Validation validation) {

  public Run {
    warnings = List.copyOf(warnings);
    var ordered = new EnumMap<Stage, StageState>(Stage.class);
    ordered.putAll(stages);
    stages = Collections.unmodifiableMap(ordered);
    checkpoints = List.copyOf(checkpoints);
    artifacts = List.copyOf(artifacts);
    // records of before there were previews have none
    previews = previews == null ? List.of() : List.copyOf(previews);
  }

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

  /**
   * A checkpoint.
   *
   * @param step optimizer steps done
   * @param loss mean since the checkpoint before
   * @param url where the gateway serves its adapter
   * @param attempt attempt at the train stage that saved it
   * @param manifest lists its files, which lie beside it
   */
  public record SavedCheckpoint(
      long step, double loss, String url, int attempt, ObjectRef manifest) {}

  /**
   * A file that the run left.
   *
   * @param name its name within the run
   * @param size bytes
   * @param sha256 digest
   * @param url where the gateway serves it
   * @param attempt attempt at the train stage that left it
   * @param object where it lies
   */
  public record RunArtifact(
      String name, long size, Sha256 sha256, String url, int attempt, ObjectRef object) {}

  /**
   * A picture that was drawn while it learned.
   *
   * @param name its name within the run
   * @param step optimizer steps done
   * @param prompt what was drawn
   * @param seed of the noise that it began with
   * @param url where the gateway serves it
   * @param attempt attempt at the train stage that drew it
   * @param object where it lies
   */
  public record Preview(
      String name,
      long step,
      String prompt,
      long seed,
      String url,
      int attempt,
      ObjectRef object) {}

  /**
   * How it does on pictures that it does not learn from.
   *
   * @param step optimizer steps done
   * @param loss mean over those pictures
   * @param bestLoss the least so far
   * @param bestStep the step that it is from
   * @param attempt attempt at the train stage that tells it
   * @param seq event of that attempt
   */
  public record Validation(
      long step, double loss, double bestLoss, long bestStep, int attempt, long seq) {}
}
