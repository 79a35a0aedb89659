package flora.trainer.export;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.request.KeepPlan.SavePrecision;
import org.jspecify.annotations.Nullable;

/** Why a trained adapter is not handed out. */
public abstract sealed class ExportException extends PipelineException {

  private ExportException(String message) {
    super(message);
  }

  /** A file does not hold what was written. */
  public static final class NotEqual extends ExportException {
    NotEqual(String file, String module) {
      super(file + " read back differs from the trained adapter at " + module);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** A file's adapter does not act as the trained one. */
  public static final class ActsOtherwise extends ExportException {
    ActsOtherwise(String file, Probe.Deviation deviation) {
      super(
          "%s applied to the base model is off by %.3g where the adapter changes %.3g"
              .formatted(file, deviation.error(), deviation.effect()));
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.INTERNAL;
    }
  }

  /** A weight is beyond what the file's number format can hold. */
  public static final class TooLarge extends ExportException {
    TooLarge(String module, float value, SavePrecision precision) {
      super("%s has the weight %s, which %s cannot hold".formatted(module, value, precision));
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.REQUEST_INVALID;
    }

    @Override
    public String hint() {
      return "save_precision bf16 or fp32";
    }
  }

  /** A weight is not a number, or infinite. */
  public static final class NotFinite extends ExportException {
    NotFinite(String module) {
      super("the trained adapter has weights that are not finite at " + module);
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.LOSS_NOT_FINITE;
    }

    @Override
    public String hint() {
      return "lower learning_rate";
    }
  }

  /** Every {@code up} is zero: the adapter changes nothing. */
  public static final class ChangesNothing extends ExportException {
    ChangesNothing() {
      super("the trained adapter changes nothing: all of its up matrices are zero");
    }

    @Override
    public ErrorCode code() {
      return ErrorCode.REQUEST_INVALID;
    }

    @Override
    public @Nullable String hint() {
      return "train more steps than lr_warmup_steps, with a learning_rate above 0";
    }
  }
}
