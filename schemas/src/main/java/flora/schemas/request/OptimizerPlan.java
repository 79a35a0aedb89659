package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonInclude;
import flora.schemas.request.TrainingPlan.LrScheduler;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The part of a {@link TrainingPlan} that says how it is learned: how many pictures at once, for
 * how long, and AdamW's settings.
 *
 * @param batchSize pictures in one forward pass
 * @param gradientAccumulationSteps forward passes in one optimizer step
 * @param epochs passes over the dataset; null when {@code maxTrainSteps} says how long
 * @param maxTrainSteps optimizer steps; wins over {@code epochs}
 * @param learningRate at the top of the schedule
 * @param lrScheduler its course
 * @param lrWarmupSteps optimizer steps of linear warm-up
 * @param adamBeta1 decay of the first moment
 * @param adamBeta2 decay of the second moment
 * @param adamEpsilon added to the root of the second moment
 * @param weightDecay decoupled
 * @param maxGradNorm gradients are scaled down to this total norm
 * @param batchSizeAuto the batch is as large as memory allows; absent = false
 * @param maxTrainTime training ends at the first step after it; null = no limit
 * @param textEncoderLr of the text encoder; null = {@code learningRate}
 * @param lrWarmupRatio warm-up as a share of all steps, instead of {@code lrWarmupSteps}
 * @param lrNumCycles how often a cosine with restarts runs; absent = 1
 * @param lrPower of a polynomial course; absent = 1
 * @param emaDecay of the moving average of the weights; null = there is none
 */
@JsonInclude(JsonInclude.Include.NON_DEFAULT)
public record OptimizerPlan(
    @Written int batchSize,
    @Written int gradientAccumulationSteps,
    @Written @Nullable Integer epochs,
    @Written @Nullable Integer maxTrainSteps,
    @Written double learningRate,
    @Written LrScheduler lrScheduler,
    @Written int lrWarmupSteps,
    @Written double adamBeta1,
    @Written double adamBeta2,
    @Written double adamEpsilon,
    @Written double weightDecay,
    @Written double maxGradNorm,
    Boolean batchSizeAuto,
    @Nullable Duration maxTrainTime,
    @Nullable Double textEncoderLr,
    @Nullable Double lrWarmupRatio,
    Integer lrNumCycles,
    Double lrPower,
    @Nullable Double emaDecay) {

  public OptimizerPlan {
    batchSizeAuto = batchSizeAuto == null ? false : batchSizeAuto;
    lrNumCycles = lrNumCycles == null ? 1 : lrNumCycles;
    lrPower = lrPower == null ? 1.0 : lrPower;
  }

  /** What holds when nothing is said. */
  OptimizerPlan() {
    this(Length.ofSteps(1000), Rate.constant(2e-4), AdamW.DEFAULT, 1, 1);
  }

  private OptimizerPlan(Length length, Rate rate, AdamW adam, int batchSize, int accumulation) {
    this(
        batchSize,
        accumulation,
        length.epochs(),
        length.steps(),
        rate.top(),
        rate.scheduler(),
        rate.warmupSteps(),
        adam.beta1(),
        adam.beta2(),
        adam.epsilon(),
        adam.weightDecay(),
        adam.maxGradNorm(),
        false,
        null,
        null,
        null,
        1,
        1.0,
        null);
  }

  /** Batches of one size, one rate for all that learns. */
  public static OptimizerPlan of(
      int batchSize, int accumulation, Length length, Rate rate, AdamW adam) {
    return new OptimizerPlan(length, rate, adam, batchSize, accumulation);
  }

  /**
   * How long to train.
   *
   * @param epochs passes over the dataset; null = {@code steps} says it
   * @param steps optimizer steps; null = {@code epochs} says it
   */
  public record Length(@Nullable Integer epochs, @Nullable Integer steps) {
    /** So many optimizer steps. */
    public static Length ofSteps(int steps) {
      return new Length(null, steps);
    }

    /** So many passes over the dataset. */
    public static Length ofEpochs(int epochs) {
      return new Length(epochs, null);
    }
  }

  /**
   * The learning rate and its course.
   *
   * @param top at the top of the schedule
   * @param scheduler its course
   * @param warmupSteps optimizer steps of linear warm-up
   */
  public record Rate(double top, LrScheduler scheduler, int warmupSteps) {
    /** The same at every step. */
    public static Rate constant(double rate) {
      return new Rate(rate, LrScheduler.CONSTANT, 0);
    }
  }

  /**
   * AdamW's settings, and the clipping before it.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param epsilon added to the root of the second moment
   * @param weightDecay decoupled
   * @param maxGradNorm gradients are scaled down to this total norm
   */
  public record AdamW(
      double beta1, double beta2, double epsilon, double weightDecay, double maxGradNorm) {
    /** diffusers' and {@code torch.optim.AdamW}'s. */
    public static final AdamW DEFAULT = new AdamW(0.9, 0.999, 1e-8, 1e-2, 1.0);
  }

  /** Another rate and course, all else as it is. */
  public OptimizerPlan with(Rate rate) {
    return new OptimizerPlan(
        batchSize,
        gradientAccumulationSteps,
        epochs,
        maxTrainSteps,
        rate.top(),
        rate.scheduler(),
        rate.warmupSteps(),
        adamBeta1,
        adamBeta2,
        adamEpsilon,
        weightDecay,
        maxGradNorm,
        batchSizeAuto,
        maxTrainTime,
        textEncoderLr,
        lrWarmupRatio,
        lrNumCycles,
        lrPower,
        emaDecay);
  }
}
