package flora.schemas.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import flora.schemas.Failure;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One stage of a run. {@code attempt} and {@code seq} say which event it is from, and make the join
 * of events independent of their order.
 *
 * @param status its state
 * @param attempt attempt that the state is from, 0 before the first
 * @param seq event of that attempt
 * @param at when that event happened
 * @param progressSeq event of that attempt which the progress is from, 0 before the first
 * @param done how much is done
 * @param total of how much
 * @param unit what is counted
 * @param loss of training
 * @param learningRate of training
 * @param etaSeconds until the stage ends
 * @param bytesPerSecond of fetching
 * @param warnings what somebody should know about what this stage did
 * @param pausedSeq event of that attempt which told last whether it waits, 0 for none
 * @param paused what it waits for
 * @param error why it failed
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record StageState(
    Status status,
    int attempt,
    long seq,
    @Nullable Instant at,
    long progressSeq,
    long done,
    long total,
    String unit,
    @Nullable Double loss,
    @Nullable Double learningRate,
    @Nullable Long etaSeconds,
    @Nullable Long bytesPerSecond,
    List<String> warnings,
    long pausedSeq,
    @Nullable Failure paused,
    @Nullable Failure error) {

  public StageState {
    // records of before there were warnings have none
    warnings = warnings == null ? List.of() : List.copyOf(warnings);
  }

  /** State of a stage. */
  public enum Status {
    @JsonProperty("pending")
    PENDING,
    @JsonProperty("skipped")
    SKIPPED,
    @JsonProperty("running")
    RUNNING,
    @JsonProperty("succeeded")
    SUCCEEDED,
    @JsonProperty("failed")
    FAILED,
    @JsonProperty("cancelled")
    CANCELLED;

    /** Whether the stage is over. */
    public boolean isTerminal() {
      return this != PENDING && this != RUNNING;
    }
  }
}
