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

  /** All pictures are held out of training, or shown no time. */
  public static final class NothingToTrainOn extends DataException {
    NothingToTrainOn(String dataset, int heldOut) {
      super(
          "no picture of %s is left to train on: %d are held out for validation"
              .formatted(dataset, heldOut),
          null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DATASET_EMPTY;
    }

    @Override
    public String hint() {
      return "lower train.validation_split; a folder 0_name is shown no time";
    }
  }

  /** A picture is smaller than the smallest bucket, and none may be enlarged. */
  public static final class TooSmall extends DataException {
    TooSmall(String file, int width, int height, int step) {
      super(
          "the picture %s of %d x %d fills no bucket: sides are multiples of %d"
              .formatted(file, width, height, step),
          null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.IMAGE_UNREADABLE;
    }

    @Override
    public String hint() {
      return "remove the picture, or train without bucket_no_upscale";
    }
  }

  /** A picture is not of the size that it was labelled with. */
  public static final class SizeDiffers extends DataException {
    SizeDiffers(String file, PictureSet.Size labelled, PictureSet.Size decoded) {
      super(
          "the picture %s is %s, and was labelled as %s".formatted(file, decoded, labelled), null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
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
