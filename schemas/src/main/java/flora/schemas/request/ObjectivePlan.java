package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says what a good answer of the UNet is: which noise is
 * mixed in, what is predicted, how the error counts.
 *
 * @param snrGamma min-SNR weighting, https://arxiv.org/abs/2303.09556; null = none
 * @param predictionType what is predicted; null = what the model's scheduler says
 * @param noiseOffset a share of noise that is the same over a whole channel; absent = 0
 * @param lossType how the error counts; absent = its square
 * @param huberC where huber and smooth_l1 turn from square to absolute; absent = 0.1
 * @param huberSchedule how that changes with the timestep; absent = snr
 * @param minTimestep least timestep that is drawn; null = 0
 * @param maxTimestep timestep that all are drawn below; null = all of the schedule
 * @param zeroTerminalSnr the last timestep is pure noise, https://arxiv.org/abs/2305.08891; absent
 *     = as the model's scheduler says
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record ObjectivePlan(
    @Written @Nullable Double snrGamma,
    @Nullable PredictionType predictionType,
    Double noiseOffset,
    LossType lossType,
    Double huberC,
    HuberSchedule huberSchedule,
    @Nullable Integer minTimestep,
    @Nullable Integer maxTimestep,
    Boolean zeroTerminalSnr) {

  public ObjectivePlan {
    noiseOffset = noiseOffset == null ? 0.0 : noiseOffset;
    lossType = lossType == null ? LossType.L2 : lossType;
    huberC = huberC == null ? 0.1 : huberC;
    huberSchedule = huberSchedule == null ? HuberSchedule.SNR : huberSchedule;
    zeroTerminalSnr = zeroTerminalSnr == null ? false : zeroTerminalSnr;
  }

  /** What holds when nothing is said. */
  ObjectivePlan() {
    this(null, null, 0.0, LossType.L2, 0.1, HuberSchedule.SNR, null, null, false);
  }

  /** The squared error, weighted where there is a gamma. */
  public static ObjectivePlan of(@Nullable Double snrGamma) {
    return new ObjectivePlan(
        snrGamma, null, 0.0, LossType.L2, 0.1, HuberSchedule.SNR, null, null, false);
  }

  /** What a UNet predicts, in diffusers' words. */
  public enum PredictionType {
    @JsonProperty("epsilon")
    EPSILON,
    @JsonProperty("sample")
    SAMPLE,
    @JsonProperty("v_prediction")
    VELOCITY
  }

  /** How an error counts, in sd-scripts' words. */
  public enum LossType {
    @JsonProperty("l2")
    L2,
    @JsonProperty("huber")
    HUBER,
    @JsonProperty("smooth_l1")
    SMOOTH_L1,
    @JsonProperty("l1")
    L1
  }

  /** How the turning point of the Huber losses changes with the timestep, in sd-scripts' words. */
  public enum HuberSchedule {
    @JsonProperty("constant")
    CONSTANT,
    @JsonProperty("exponential")
    EXPONENTIAL,
    @JsonProperty("snr")
    SNR
  }
}
