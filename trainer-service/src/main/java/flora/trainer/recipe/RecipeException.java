package flora.trainer.recipe;

import ai.djl.engine.EngineException;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.dataset.Bucket;
import flora.schemas.request.PreviewPlan;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Why a recipe cannot go on. */
public abstract sealed class RecipeException extends PipelineException {

  private RecipeException(String message) {
    super(message);
  }

  private RecipeException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The loss, or the gradients, are no longer finite numbers. */
  public static final class LossNotFinite extends RecipeException {
    private final long step;

    LossNotFinite(long step, String what, double value) {
      super("%s of step %d is %s".formatted(what, step, value));
      this.step = step;
    }

    long step() {
      return step;
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.LOSS_NOT_FINITE;
    }

    @Override
    public String hint() {
      return "lower learning_rate, or train with lr_warmup_steps";
    }
  }

  /** The parts of the model do not fit each other or the plan. */
  public static final class PartsDoNotFit extends RecipeException {
    PartsDoNotFit(String message) {
      super(message);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.MODEL_UNSUPPORTED;
    }
  }

  /** The plan asks for a picture size that the model cannot encode. */
  public static final class ResolutionUnfit extends RecipeException {
    ResolutionUnfit(Bucket bucket, int factor) {
      super(
          "train.resolution makes pictures of %s, expected multiples of %d"
              .formatted(bucket, factor));
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.REQUEST_INVALID;
    }

    @Override
    public @Nullable String hint() {
      return "512 is what Stable Diffusion 1.5 was trained with; bucket_reso_steps is usually 64";
    }
  }

  /** What was saved does not fit what is trained: it was written by another version. */
  public static final class CheckpointUnreadable extends RecipeException {
    CheckpointUnreadable(long step, RuntimeException cause) {
      super(
          "the checkpoint at step %d cannot be read: %s".formatted(step, cause.getMessage()),
          cause);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** The sampler that was asked for cannot draw previews with this model. */
  public static final class PreviewUnfit extends RecipeException {
    PreviewUnfit(PreviewPlan plan, RuntimeException cause) {
      super(
          "preview_sampler %s with preview_sampling_steps %d does not suit the model: %s"
              .formatted(plan.previewSampler(), plan.previewSamplingSteps(), cause.getMessage()));
      initCause(cause);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.REQUEST_INVALID;
    }

    @Override
    public String hint() {
      return "choose another preview_sampler (ddim suits every model), or other steps";
    }
  }

  /** The plan asks for what cannot be learned with the model's noise. */
  public static final class ObjectiveUnfit extends RecipeException {
    private final String hint;

    ObjectiveUnfit(String message, String hint) {
      super(message);
      this.hint = hint;
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.REQUEST_INVALID;
    }

    @Override
    public String hint() {
      return hint;
    }
  }

  /** The adapter that training should begin with is another one than the plan's. */
  public static final class AdapterUnfit extends RecipeException {
    private final String hint;

    AdapterUnfit(String reference, String message, String hint) {
      super("init_adapter %s does not fit: %s".formatted(reference, message));
      this.hint = hint;
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.REQUEST_INVALID;
    }

    @Override
    public String hint() {
      return hint;
    }
  }

  /** Not even one picture at a time fits into memory. */
  public static final class OutOfMemory extends RecipeException {
    public OutOfMemory(EngineException cause) {
      super("the machine has not enough memory for a training step", cause);
    }

    /** Whether it is memory that the engine lacks: PyTorch's words, on the CPU and on a GPU. */
    public static boolean isTold(EngineException e) {
      var message = String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT);
      return message.contains("can't allocate memory")
          || message.contains("not enough memory")
          || message.contains("out of memory");
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DEVICE_OUT_OF_MEMORY;
    }

    @Override
    public String hint() {
      return "lower resolution or batch_size, or write gradient_checkpointing: true"
          + " (preset low-memory)";
    }
  }
}
