package flora.schemas;

import org.jspecify.annotations.Nullable;

/**
 * The one ancestor of every failure that has a name. The message says what happened, what was
 * expected and what to do; it is shown to people and never holds a secret.
 */
public abstract class PipelineException extends RuntimeException {

  protected PipelineException(String message) {
    super(message);
  }

  protected PipelineException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /** What happened, for programs. */
  public abstract ErrorCode code();

  /** What to do about it, for people; may be null. */
  public @Nullable String hint() {
    return null;
  }
}
