package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says what is kept, when, and in which format.
 *
 * @param saveSteps a checkpoint every so many optimizer steps
 * @param saveEveryNEpochs a checkpoint every so many epochs instead; null = {@code saveSteps} says
 * @param checkpointsToKeep how many of the newest are kept; null = as the trainer is set up
 * @param savePrecision number format of the adapter's files; absent = fp32
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record KeepPlan(
    @Written int saveSteps,
    @JsonProperty("save_every_n_epochs") @Nullable Integer saveEveryNEpochs,
    @Nullable Integer checkpointsToKeep,
    SavePrecision savePrecision) {

  public KeepPlan {
    savePrecision = savePrecision == null ? SavePrecision.FP32 : savePrecision;
  }

  /** What holds when nothing is said. */
  KeepPlan() {
    this(100, null, null, SavePrecision.FP32);
  }

  /** A checkpoint every so many optimizer steps. */
  public static KeepPlan of(int saveSteps) {
    return new KeepPlan(saveSteps, null, null, SavePrecision.FP32);
  }

  /** Number formats of an adapter's file. */
  public enum SavePrecision {
    @JsonProperty("fp32")
    FP32,
    @JsonProperty("fp16")
    FP16,
    @JsonProperty("bf16")
    BF16
  }
}
