package flora.schemas.request;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonTypeName;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What to train and how; one record for each task. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "task")
public sealed interface TrainingPlan {

  /** Rank of the adapter. */
  int loraRank();

  /**
   * A LoRA for a Stable Diffusion UNet, trained as {@code train_text_to_image_lora.py} of diffusers
   * does.
   *
   * @param loraRank rank of every pair
   * @param loraAlpha scale = alpha / rank
   * @param loraDropout probability that an input element of an adapter is dropped
   * @param targetModules names of the layers that get a pair
   * @param resolution side of the training pictures, pixels
   * @param centerCrop crop in the middle; else at a place that depends on seed and picture
   * @param randomFlip mirror half of the pictures
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
   * @param snrGamma min-SNR weighting, https://arxiv.org/abs/2303.09556; null = none
   * @param mixedPrecision what was asked for; without a GPU all is fp32
   * @param saveSteps a checkpoint every so many optimizer steps
   * @param seed of everything random
   */
  @JsonTypeName("text-to-image")
  record StableDiffusionLora(
      int loraRank,
      double loraAlpha,
      double loraDropout,
      List<String> targetModules,
      int resolution,
      boolean centerCrop,
      boolean randomFlip,
      int batchSize,
      int gradientAccumulationSteps,
      @Nullable Integer epochs,
      @Nullable Integer maxTrainSteps,
      double learningRate,
      LrScheduler lrScheduler,
      int lrWarmupSteps,
      double adamBeta1,
      double adamBeta2,
      double adamEpsilon,
      double weightDecay,
      double maxGradNorm,
      @Nullable Double snrGamma,
      MixedPrecision mixedPrecision,
      int saveSteps,
      long seed)
      implements TrainingPlan {
    public StableDiffusionLora {
      targetModules = List.copyOf(targetModules);
    }
  }

  /** Courses of the learning rate, as diffusers and transformers name them. */
  enum LrScheduler {
    @JsonProperty("constant")
    CONSTANT,
    @JsonProperty("constant_with_warmup")
    CONSTANT_WITH_WARMUP,
    @JsonProperty("cosine")
    COSINE
  }

  /** Number formats of the computation. */
  enum MixedPrecision {
    @JsonProperty("no")
    NO,
    @JsonProperty("fp16")
    FP16,
    @JsonProperty("bf16")
    BF16
  }
}
