package flora.standalone.live;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import java.util.Collection;

/** How the trial of one place ended. */
public enum Outcome {
  /** It gave all files, and their digests were right. */
  VERIFIED("verified"),
  /** No answer, or its files lead to a host that does not answer. */
  UNREACHABLE("unreachable"),
  /** It answers, and does not give this: not there, not to us, not now. */
  REFUSED("refused"),
  /** It answers as it must not, or its bytes are wrong, or we cannot deal with it. */
  FAULTY("faulty");

  /** One place at least gave what it should, and none did what it must not. */
  static final int GOOD = 0;

  /** Something answered, and that was no use. */
  static final int BAD = 1;

  /** Nobody could be reached: nothing is known. */
  static final int NOBODY = 3;

  private final String word;

  Outcome(String word) {
    this.word = word;
  }

  /** As it stands in the transcript. */
  String word() {
    return word;
  }

  static Outcome of(PipelineException failure) {
    return failure.code() == ErrorCode.HUB_UNREACHABLE
        ? UNREACHABLE
        : switch (failure.code()) {
          case REPO_NOT_FOUND,
              REVISION_NOT_FOUND,
              REPO_GATED,
              HUB_RATE_LIMITED,
              FILE_FILTERED_OUT,
              MODEL_UNSUPPORTED ->
              REFUSED;
          default -> FAULTY;
        };
  }

  /** The exit code of a whole trial. */
  public static int exitCode(Collection<Outcome> outcomes) {
    if (outcomes.stream().allMatch(o -> o == UNREACHABLE)) {
      return NOBODY;
    }
    return outcomes.contains(VERIFIED) && !outcomes.contains(FAULTY) ? GOOD : BAD;
  }
}
