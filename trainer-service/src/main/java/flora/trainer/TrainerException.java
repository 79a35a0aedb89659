package flora.trainer;

import flora.models.ModelException;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.tensors.SafetensorsException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** Why a run cannot be trained. */
abstract sealed class TrainerException extends PipelineException {

  private TrainerException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** A stage before has not done its part, though the run came here. */
  static final class PartMissing extends TrainerException {
    PartMissing(String part) {
      super("the run came to the trainer without " + part, null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** The adapter that training should begin with is not there. */
  static final class AdapterMissing extends TrainerException {
    AdapterMissing(String what) {
      super("init_adapter: " + what, null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.ARTIFACT_NOT_FOUND;
    }

    @Override
    public String hint() {
      return "name a run that has succeeded, or put the file into flora-models first";
    }
  }

  /** An adapter that a request names is not there. */
  static final class NoSuchAdapter extends TrainerException {
    NoSuchAdapter(String source) {
      super("there is no adapter " + source, null);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.ARTIFACT_NOT_FOUND;
    }

    @Override
    public String hint() {
      return "name a run that has succeeded, or upload the file: ./flora models put FILE";
    }
  }

  /** The model, as the stage before has fetched it, cannot be used. */
  static final class ModelRefused extends TrainerException {
    private final ErrorCode code;

    private ModelRefused(ErrorCode code, String message, Throwable cause) {
      super(message, cause);
      this.code = code;
    }

    /**
     * What the network's own exception means to the person who asked.
     *
     * @param folder where the models lie; paths are told as seen from there
     */
    static ModelRefused of(ModelException e, Path folder) {
      var code =
          switch (e) {
            case ModelException.Unsupported _,
                ModelException.ConfigInvalid _,
                ModelException.FileMissing _,
                ModelException.WeightsMismatch _ ->
                ErrorCode.MODEL_UNSUPPORTED;
            case ModelException.TargetsUnknown _ -> ErrorCode.TARGETS_NOT_FOUND;
            case ModelException.ImageUnreadable _ -> ErrorCode.IMAGE_UNREADABLE;
            case ModelException.Unreadable _ -> ErrorCode.INTERNAL;
          };
      return new ModelRefused(code, within(e, folder), e);
    }

    /** The same for a file of tensors. */
    static ModelRefused of(SafetensorsException e, Path folder) {
      var code =
          switch (e) {
            case SafetensorsException.Malformed _ -> ErrorCode.SAFETENSORS_MALFORMED;
            case SafetensorsException.TensorMissing _,
                SafetensorsException.FileMissing _,
                SafetensorsException.Ambiguous _ ->
                ErrorCode.MODEL_UNSUPPORTED;
            case SafetensorsException.Unreadable _ -> ErrorCode.INTERNAL;
          };
      return new ModelRefused(code, within(e, folder), e);
    }

    private static String within(RuntimeException e, Path folder) {
      return String.valueOf(e.getMessage())
          .replaceAll(Pattern.quote(folder.toString()) + "/snapshot-\\d+/", "");
    }

    @Override
    public ErrorCode code() {
      return code;
    }
  }
}
