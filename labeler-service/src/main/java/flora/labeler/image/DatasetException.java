package flora.labeler.image;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Why no dataset version can be made of what there is. */
public abstract sealed class DatasetException extends PipelineException {

  private final String hint;

  private DatasetException(String message, String hint) {
    super(message);
    this.hint = hint;
  }

  @Override
  public @Nullable String hint() {
    return hint;
  }

  /** Nothing lies under the dataset's name. */
  public static final class NotFound extends DatasetException {
    public NotFound(String dataset) {
      super(
          "there is no dataset " + dataset,
          "upload pictures with PUT /v1/datasets/%s/images/{file}, or put them under incoming/%s/"
              .formatted(dataset, dataset));
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DATASET_NOT_FOUND;
    }
  }

  /** There are files, but no picture that can be used. */
  public static final class Empty extends DatasetException {
    public Empty(String dataset, String why) {
      super(
          "the dataset %s has no usable picture: %s".formatted(dataset, why),
          "pictures are .jpg, .png, .gif, .bmp or .tif files");
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DATASET_EMPTY;
    }
  }

  /** A table whose bytes are no text that could be read without a guess. */
  public static final class NotUnicode extends DatasetException {
    public NotUnicode(String dataset, String table) {
      super("%s of the dataset %s is not UTF-8".formatted(table, dataset), "save it as UTF-8");
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DATASET_INVALID;
    }
  }

  /** The check before training has found errors. */
  public static final class Invalid extends DatasetException {
    public Invalid(String dataset, List<String> errors) {
      super(
          "the dataset %s is not fit for training: %s"
              .formatted(dataset, String.join("; ", errors)),
          "GET /v1/datasets/%s/report names the pictures and says what to do".formatted(dataset));
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.DATASET_INVALID;
    }
  }
}
