package flora.schemas;

import org.jspecify.annotations.Nullable;

/**
 * A failure as data: what crosses a process boundary.
 *
 * @param code what happened, for programs
 * @param message what happened and what was expected, for people
 * @param hint what to do about it
 */
public record Failure(ErrorCode code, String message, @Nullable String hint) {

  /** Of a stage that waits because somebody asked. */
  public static Failure paused() {
    return new Failure(
        ErrorCode.RUN_PAUSED,
        "somebody asked to pause the run",
        "it goes on when somebody resumes it");
  }

  /** The failure that an exception stands for. */
  public static Failure of(PipelineException e) {
    var message = e.getMessage();
    return new Failure(e.code(), message == null ? e.code().name() : message, e.hint());
  }
}
