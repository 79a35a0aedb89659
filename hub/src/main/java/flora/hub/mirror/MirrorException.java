package flora.hub.mirror;

import flora.hub.HubException;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** What can go wrong with the choice of places, besides what each of them says itself. */
public abstract sealed class MirrorException extends PipelineException {

  private final ErrorCode code;
  private final String hint;

  private MirrorException(ErrorCode code, String message, String hint) {
    super(message);
    this.code = code;
    this.hint = hint;
  }

  @Override
  public ErrorCode code() {
    return code;
  }

  @Override
  public String hint() {
    return hint;
  }

  /** None of those who were asked has answered with the repository. */
  public static final class NobodyAnswered extends MirrorException {
    private final transient Map<String, PipelineException> causes;

    NobodyAnswered(RepoId repo, Map<String, PipelineException> causes) {
      super(
          ErrorCode.HUB_UNREACHABLE,
          "nobody can say what %s consists of: %s"
              .formatted(
                  repo,
                  causes.entrySet().stream()
                      .map(e -> HubException.named(e.getKey(), e.getValue()))
                      .collect(Collectors.joining("; "))),
          "check the network, HF_ENDPOINT and HTTPS_PROXY, or name a mirror that is reachable with"
              + " use_mirror");
      this.causes = Map.copyOf(causes);
    }

    /** What each of them said. */
    public Collection<PipelineException> causes() {
      return List.copyOf(causes.values());
    }
  }

  /** There is no mirror of that name. */
  public static final class Unknown extends MirrorException {
    Unknown(String name, Collection<String> known) {
      super(
          ErrorCode.REQUEST_INVALID,
          "there is no mirror named %s: expected %s"
              .formatted(
                  name.length() > 96 ? "that" : name,
                  known.isEmpty() ? "true or false" : "true, false or one of " + known),
          "add it under hub.mirrors, or with PUT /v1/mirrors/{name} (./flora mirrors add)");
    }
  }

  /** The mirror is switched off, or not meant for this repository. */
  public static final class NotServing extends MirrorException {
    NotServing(String name, RepoId repo, String why) {
      super(
          ErrorCode.REQUEST_INVALID,
          "the mirror %s does not serve %s: %s".formatted(name, repo, why),
          "choose another with use_mirror (true: the hub and all mirrors), or change the mirror");
    }
  }

  /** It may not be kept like this. */
  public static final class Invalid extends MirrorException {
    Invalid(String message, String hint) {
      super(ErrorCode.REQUEST_INVALID, message, hint);
    }
  }

  /** Nobody is to be asked, and it was never fetched. */
  public static final class NotKept extends MirrorException {
    NotKept(RepoId repo, String revision) {
      super(
          ErrorCode.HUB_UNREACHABLE,
          "hub.offline is set, and %s at %s was never fetched into this store"
              .formatted(repo, revision),
          "import a bundle that has it, or set hub.offline to false");
    }
  }
}
