package flora.schemas.request;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import org.jspecify.annotations.Nullable;

/** A run request that cannot be run as it stands: which field, what was expected, what to do. */
public final class RequestException extends PipelineException {

  private final ErrorCode code;
  private final String pointer;
  private final @Nullable String hint;

  RequestException(ErrorCode code, String pointer, String message, @Nullable String hint) {
    super(message);
    this.code = code;
    this.pointer = pointer;
    this.hint = hint;
  }

  static RequestException invalid(String pointer, String message, @Nullable String hint) {
    return new RequestException(ErrorCode.REQUEST_INVALID, pointer, message, hint);
  }

  static RequestException unsupported(String pointer, String message, @Nullable String hint) {
    return new RequestException(ErrorCode.NOT_SUPPORTED_YET, pointer, message, hint);
  }

  @Override
  public ErrorCode code() {
    return code;
  }

  /** JSON pointer (RFC 6901) to the field in the document as it was sent; empty = the whole. */
  public String pointer() {
    return pointer;
  }

  @Override
  public @Nullable String hint() {
    return hint;
  }
}
