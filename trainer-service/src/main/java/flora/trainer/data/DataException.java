package flora.trainer.data;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.Sha256;
import org.jspecify.annotations.Nullable;

/** Why a dataset cannot be trained on. */
public abstract sealed class DataException extends PipelineException {

  private DataException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** There is no picture with a caption. */
  public static final class Empty extends DataException {
    Empty(String dataset) {
      super("the dataset " + dataset + " has no picture with a caption", null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DATASET_EMPTY;
    }
  }

  /** A picture cannot be decoded. */
  public static final class Unreadable extends DataException {
    Unreadable(String file, Throwable cause) {
      super("the picture %s cannot be read: %s".formatted(file, cause.getMessage()), cause);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.IMAGE_UNREADABLE;
    }
  }

  /** The store's bytes are not the ones that were labelled. */
  public static final class Changed extends DataException {
    Changed(String what, Sha256 expected) {
      super("%s is damaged in the store: expected SHA-256 %s".formatted(what, expected), null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.CHECKSUM_MISMATCH;
    }
  }
}
