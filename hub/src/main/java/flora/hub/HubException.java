package flora.hub;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.schemas.RetryAfter;
import java.net.URI;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What can go wrong between us and a hub. Variants are named for facts of the hub. */
public abstract sealed class HubException extends PipelineException {

  private final ErrorCode code;
  private final @Nullable String hint;

  private HubException(
      ErrorCode code, String message, @Nullable String hint, @Nullable Throwable cause) {
    super(message, cause);
    this.code = code;
    this.hint = hint;
  }

  @Override
  public ErrorCode code() {
    return code;
  }

  @Override
  public @Nullable String hint() {
    return hint;
  }

  /** There is no such repository, or it is hidden from us: hubs do not tell which. */
  public static final class RepoNotFound extends HubException {
    public RepoNotFound(RepoId repo, String host, boolean withToken) {
      this(repo, host, withToken, false);
    }

    /**
     * @param atMirror whether a mirror says so, to which the hub's token is never sent
     */
    public RepoNotFound(RepoId repo, String host, boolean withToken, boolean atMirror) {
      super(
          ErrorCode.REPO_NOT_FOUND,
          withToken
              ? "%s has no repository %s that this token may see".formatted(host, repo)
              : ("%s has no repository %s, or it is private: without a token a hub gives the same"
                      + " answer to both")
                  .formatted(host, repo),
          withToken
              ? "check the spelling, and that the token has access to it"
              : "check the spelling (owner/name, as in its URL); for a private one set HF_TOKEN"
                  + (atMirror ? ", which goes to the hub alone: use_mirror: false" : ""),
          null);
    }
  }

  /** The hub does not know the token that we sent, or it does not reach that far. */
  public static final class TokenRefused extends HubException {
    private static final int LONGEST = 200;

    /**
     * @param why as the hub says it; null when it does not
     */
    public TokenRefused(RepoId repo, String host, @Nullable String why) {
      super(
          ErrorCode.REPO_NOT_FOUND,
          "%s refuses the token, so %s cannot be seen%s"
              .formatted(host, repo, why == null ? "" : ": " + printable(why)),
          why == null
              ? "renew HF_TOKEN, or unset it for a public repository"
              : "give the token that permission, or set HF_TOKEN to another one",
          null);
    }

    private static String printable(String text) {
      var clean = text.replaceAll("[^ -~]", "?");
      return clean.length() > LONGEST ? clean.substring(0, LONGEST) + "…" : clean;
    }
  }

  /** The repository is there, the revision is not. */
  public static final class RevisionNotFound extends HubException {
    public RevisionNotFound(RepoId repo, String revision) {
      super(
          ErrorCode.REVISION_NOT_FOUND,
          "%s has no revision %s: expected a branch, a tag or a commit".formatted(repo, revision),
          "leave @%s out for the main branch".formatted(revision),
          null);
    }
  }

  /** The commit is there, the file is not: that place lacks it. */
  public static final class EntryNotFound extends HubException {
    public EntryNotFound(RepoId repo, String path, String who) {
      super(
          ErrorCode.HUB_PROTOCOL,
          "%s does not have %s of %s".formatted(who, path, repo),
          "the hub contradicts its own list, or the mirror is behind: try another endpoint",
          null);
    }
  }

  /** Its owner wants something accepted first. */
  public static final class Gated extends HubException {
    public Gated(RepoId repo, URI page, boolean withToken) {
      super(
          ErrorCode.REPO_GATED,
          withToken
              ? "%s is gated and the token's account is not on its list".formatted(repo)
              : "%s is gated: only accounts that have accepted its terms may download it"
                  .formatted(repo),
          "accept the terms at %s%s"
              .formatted(page, withToken ? "" : ", then set HF_TOKEN to that account's token"),
          null);
    }
  }

  /** We ask too often. */
  public static final class RateLimited extends HubException implements RetryAfter {
    private final @Nullable Duration retryAfter;
    private final boolean isPaced;

    /**
     * @param retryAfter as the host says it, a day at most; null when it does not
     */
    public RateLimited(String host, @Nullable Duration retryAfter) {
      this(host, retryAfter, false);
    }

    /**
     * @param isPaced whether nothing was asked, and somebody who comes back then may ask
     */
    public RateLimited(String host, @Nullable Duration retryAfter, boolean isPaced) {
      super(
          ErrorCode.HUB_RATE_LIMITED,
          "%s limits the rate of requests%s"
              .formatted(
                  host,
                  retryAfter == null ? "" : ", for another %d s".formatted(seconds(retryAfter))),
          "wait, or set HF_TOKEN for a higher limit",
          null);
      this.retryAfter = retryAfter;
      this.isPaced = isPaced;
    }

    /** Whether it is we who keep below the host's rate: it has refused nothing. */
    public boolean isPaced() {
      return isPaced;
    }

    @Override
    public Optional<Duration> retryAfter() {
      return Optional.ofNullable(retryAfter);
    }

    private static long seconds(Duration duration) {
      return Math.max(1, duration.toSeconds());
    }
  }

  /** It is there, and is not given to anybody: disabled, or withheld for legal reasons. */
  public static final class Withheld extends HubException {
    public Withheld(RepoId repo, String who, String why) {
      super(
          ErrorCode.REPO_NOT_FOUND,
          "%s does not give %s to anybody: %s".formatted(who, repo, why),
          "another repository or another mirror may have the same files",
          null);
    }
  }

  /** What lies there under a file's name is not that file. */
  public static final class OtherFile extends HubException {
    public OtherFile(String who, RepoId repo, String path, String what) {
      super(
          ErrorCode.HUB_PROTOCOL,
          "%s has something else in place of %s of %s: %s".formatted(who, path, repo, what),
          "another mirror may have the file; this one may be behind or broken",
          null);
    }
  }

  /** What is wrong with a place, which is named once: most messages name it themselves. */
  public static String named(String place, PipelineException e) {
    var message = String.valueOf(e.getMessage());
    return message.startsWith(place + " ") ? message : place + ": " + message;
  }

  /** No answer, a broken one, or one that says "later". */
  public static final class Unreachable extends HubException {
    private final String host;

    public Unreachable(String host, String what, @Nullable Throwable cause) {
      this(host, host, what, cause);
    }

    /**
     * @param who the place that was asked
     * @param host that does not answer, where the place has sent us
     */
    public Unreachable(String who, String host, String what, @Nullable Throwable cause) {
      super(
          ErrorCode.HUB_UNREACHABLE,
          "%s cannot be reached: %s".formatted(who, what),
          "check the network, HF_ENDPOINT and HTTPS_PROXY",
          cause);
      this.host = host;
    }

    /** The host that does not answer. */
    public String host() {
      return host;
    }
  }

  /** An answer that no hub should give. */
  public static final class Protocol extends HubException {
    public Protocol(String host, String what) {
      super(
          ErrorCode.HUB_PROTOCOL,
          "%s does not answer as a hub does: %s".formatted(host, what),
          "check HF_ENDPOINT: it may be a login page, a proxy, or another kind of server",
          null);
    }
  }
}
