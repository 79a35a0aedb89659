package flora.labeler;

import flora.models.ModelException;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.fetch.RepoRole;
import flora.tensors.SafetensorsException;

/** Why a run cannot use its label model. */
abstract sealed class LabelModelException extends PipelineException {

  private LabelModelException(String message, Throwable cause) {
    super(message, cause);
  }

  private LabelModelException(String message) {
    super(message);
  }

  /** The fetch stage left no such repository. */
  static final class NotFetched extends LabelModelException {
    NotFetched(RepoRole role) {
      super("the fetch stage has left no repository for " + role);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** Its files are of a kind that is not supported, or do not belong together. */
  static final class Unsupported extends LabelModelException {
    private final String hint;

    Unsupported(String model, String hint, String why, ModelException cause) {
      super("the label model %s cannot be used: %s".formatted(model, why), cause);
      this.hint = hint;
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.MODEL_UNSUPPORTED;
    }

    @Override
    public String hint() {
      return hint;
    }
  }

  /** Its weights are not what they should be. */
  static final class Damaged extends LabelModelException {
    Damaged(String model, SafetensorsException cause) {
      super("the weights of %s are damaged: %s".formatted(model, cause.getMessage()), cause);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.SAFETENSORS_MALFORMED;
    }
  }
}
