package flora.gateway.error;

import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import flora.schemas.RepoReference;
import flora.schemas.RunId;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** What the gateway itself says no to. */
public abstract sealed class Refusal extends PipelineException {

  private final ErrorCode code;
  private final @Nullable String pointer;
  private final @Nullable String hint;

  private Refusal(ErrorCode code, String message, @Nullable String pointer, @Nullable String hint) {
    super(message);
    this.code = code;
    this.pointer = pointer;
    this.hint = hint;
  }

  @Override
  public final ErrorCode code() {
    return code;
  }

  @Override
  public final @Nullable String hint() {
    return hint;
  }

  /** Which field it is about: a JSON pointer, or the name of a part of the URL. */
  public final @Nullable String pointer() {
    return pointer;
  }

  /** A part of the request is wrong. */
  public static final class Invalid extends Refusal {
    public Invalid(String pointer, String message, @Nullable String hint) {
      super(ErrorCode.REQUEST_INVALID, message, pointer, hint);
    }
  }

  /** The body is not of a kind that is read here. */
  public static final class WrongMediaType extends Refusal {
    public WrongMediaType(@Nullable String given, String expected) {
      super(
          ErrorCode.REQUEST_INVALID,
          "Content-Type %s is not read here: expected %s"
              .formatted(given == null ? "(none)" : given, expected),
          "Content-Type",
          "name what the body is; it is never guessed");
    }
  }

  /** The body is larger than allowed. */
  public static final class TooLarge extends Refusal {
    public TooLarge(String what, long limit) {
      super(
          ErrorCode.REQUEST_INVALID,
          "%s is larger than %d bytes".formatted(what, limit),
          null,
          "send less, or raise the limit of the gateway");
    }
  }

  /** There is no such run. */
  public static final class NoRun extends Refusal {
    public NoRun(String id) {
      super(
          ErrorCode.RUN_NOT_FOUND, "there is no run " + shown(id), "id", "GET /v1/runs lists them");
    }
  }

  /** The run has no such file. */
  public static final class NoArtifact extends Refusal {
    public NoArtifact(RunId run, String name) {
      super(
          ErrorCode.ARTIFACT_NOT_FOUND,
          "%s has no file %s".formatted(run, shown(name)),
          "name",
          "GET /v1/runs/" + run + " lists its artifacts and checkpoints");
    }
  }

  /** There are no such pictures. */
  public static final class NoDataset extends Refusal {
    public NoDataset(String pointer, String message, String hint) {
      super(ErrorCode.DATASET_NOT_FOUND, message, pointer, hint);
    }

    /** Whether a request body named it, not the URL. */
    boolean isNamedInBody() {
      return String.valueOf(pointer()).startsWith("/");
    }
  }

  /** The run is over. */
  public static final class NotActive extends Refusal {
    public NotActive(RunId run, String status) {
      super(ErrorCode.RUN_NOT_ACTIVE, "%s has %s already".formatted(run, status), "id", null);
    }
  }

  /** The same key was used for another request. */
  public static final class KeyReused extends Refusal {
    public KeyReused() {
      super(
          ErrorCode.REQUEST_INVALID,
          "this Idempotency-Key was used for a different request",
          "Idempotency-Key",
          "use a new key for a new request");
    }
  }

  /** A repository that a request names cannot be planned; the code is that of the reason. */
  public static final class Unplannable extends Refusal {
    public Unplannable(PipelineException reason, String pointer) {
      super(reason.code(), String.valueOf(reason.getMessage()), pointer, reason.hint());
    }
  }

  /** The hub takes longer than anybody waits. */
  public static final class PlanTimeout extends Refusal {
    public PlanTimeout(Duration limit) {
      super(
          ErrorCode.HUB_UNREACHABLE,
          "no plan within %d s: the hub or its mirrors answer too slowly"
              .formatted(limit.toSeconds()),
          null,
          "ask again, name a quick one with use_mirror, or raise gateway.plan-timeout");
    }
  }

  /** The repository does not lie in the store, not at this revision. */
  public static final class NoModel extends Refusal {
    public NoModel(RepoReference reference) {
      super(
          ErrorCode.MODEL_NOT_FOUND,
          "the store has nothing of %s at %s".formatted(reference.repo(), reference.revision()),
          "name",
          "fetch it: POST /v1/runs with model: {base_model: %s}".formatted(reference));
    }
  }

  /** The commit lies in the store, the file does not. */
  public static final class NoModelFile extends Refusal {
    public NoModelFile(RepoId repo, String commit, String path) {
      super(
          ErrorCode.MODEL_NOT_FOUND,
          "the store has no file %s of %s at %s".formatted(shown(path), repo, commit),
          "path",
          "GET /v1/models/%s lists its files".formatted(repo.folder()));
    }
  }

  /** There is no such mirror. */
  public static final class NoMirror extends Refusal {
    public NoMirror(String name) {
      super(
          ErrorCode.REQUEST_INVALID,
          "there is no mirror " + shown(name),
          "name",
          "GET /v1/mirrors lists them");
    }
  }

  /** What the request was to be done to is another by now. */
  public static final class PreconditionFailed extends Refusal {
    public PreconditionFailed(String header, String message) {
      super(ErrorCode.REQUEST_INVALID, message, header, "look at it and ask again with its ETag");
    }
  }

  /** A later version will do this. */
  public static final class NotYet extends Refusal {
    public NotYet(String what) {
      super(ErrorCode.NOT_SUPPORTED_YET, what + " is not there yet in this version", null, null);
    }
  }

  /** The repository does not follow its hub. */
  public static final class NotSynced extends Refusal {
    public NotSynced(String repo) {
      super(
          ErrorCode.MODEL_NOT_FOUND,
          shown(repo) + " does not follow its hub",
          "name",
          "PUT to the same address begins it");
    }
  }

  /** A bundle that is not taken; nothing of it is visible. */
  public static final class BadBundle extends Refusal {
    private BadBundle(ErrorCode code, String message, @Nullable String hint) {
      super(code, message, null, hint);
    }

    /** It is not what a bundle is. */
    public static BadBundle malformed(String message) {
      return new BadBundle(ErrorCode.BUNDLE_INVALID, message, "export it again");
    }

    /** The bytes are not those that its list promises. */
    public static BadBundle corrupt(String message) {
      return new BadBundle(
          ErrorCode.CHECKSUM_MISMATCH, message, "the bundle was damaged on its way: copy it again");
    }

    /** Nobody who is trusted vouches for it. */
    public static BadBundle untrusted(String message) {
      return new BadBundle(
          ErrorCode.BUNDLE_UNTRUSTED,
          message,
          "sign it with --sign-key, and name the public key in gateway.bundle.trusted-keys");
    }
  }

  /** What is brought does not fit into the store. */
  public static final class NoRoom extends Refusal {
    public NoRoom(long needed, long free) {
      super(
          ErrorCode.INSUFFICIENT_DISK,
          "it needs %d bytes, and the store has %d free".formatted(needed, free),
          null,
          "make room, with ./flora models clean or otherwise");
    }
  }

  /** Something to be exported is not, or not any more, in the store. */
  public static final class NotInStore extends Refusal {
    public NotInStore(String what) {
      super(
          ErrorCode.MODEL_NOT_FOUND,
          shown(what) + " does not lie in the store",
          "repo",
          "fetch it first; GET /v1/models lists what there is");
    }
  }

  /** Somebody else does the same right now. */
  public static final class Busy extends Refusal {
    public Busy(String message) {
      super(ErrorCode.REQUEST_INVALID, message, null, "ask again when it is over");
    }
  }

  /** A file of a model that is not taken; nothing of it is visible. */
  public static final class BadModelFile extends Refusal {
    private BadModelFile(ErrorCode code, String message, String hint) {
      super(code, message, null, hint);
    }

    /** Its digest is not the one that was said. */
    public static BadModelFile corrupt(String path, String said, String found) {
      return new BadModelFile(
          ErrorCode.CHECKSUM_MISMATCH,
          "%s has the SHA-256 %s, and %s was said".formatted(path, found, said),
          "it was damaged on its way, or changed: upload it from the start");
    }

    /** It is no safetensors file, or a part of one. */
    public static BadModelFile malformed(String path, String problem) {
      return new BadModelFile(
          ErrorCode.SAFETENSORS_MALFORMED,
          "%s is no whole safetensors file: %s".formatted(path, problem),
          "look whether it was downloaded to its end");
    }

    /** There are more or fewer bytes than announced. */
    public static BadModelFile cut(String path, long bytes, long announced) {
      return new BadModelFile(
          ErrorCode.REQUEST_INVALID,
          "%s was announced with %d bytes, and came with %s%d"
              .formatted(path, announced, bytes > announced ? "at least " : "", bytes),
          "upload it from the start");
    }
  }

  /** A pickle, which could do anything. */
  public static final class Pickle extends Refusal {
    public Pickle(String ending) {
      super(
          ErrorCode.PICKLE_REFUSED,
          ".%s files are pickles, which are not taken here".formatted(shown(ending)),
          "path",
          "name the hub's repository that has it as base_model: its pickles are converted when they"
              + " are fetched; or save the weights as .safetensors");
    }
  }

  /** The bytes do not go on where the upload stands. */
  public static final class WrongOffset extends Refusal {
    private final long offset;

    public WrongOffset(String path, long offset) {
      super(
          ErrorCode.REQUEST_INVALID,
          "the upload of %s goes on at byte %d".formatted(path, offset),
          "Content-Range",
          "HEAD on the same address tells from where on");
      this.offset = offset;
    }

    /** From which byte on the file is missing. */
    public long offset() {
      return offset;
    }
  }

  /** A repository of a hub has the name. */
  public static final class NameTaken extends Refusal {
    public NameTaken(RepoId name) {
      super(
          ErrorCode.REQUEST_INVALID,
          "%s is a repository of a hub that lies in the store".formatted(name),
          "name",
          "choose another name");
    }
  }

  /** A model that runs need. */
  public static final class InUse extends Refusal {
    public InUse(RepoId name) {
      super(
          ErrorCode.REQUEST_INVALID,
          "a run that is not over works with " + name,
          "name",
          "cancel the run, or ask again when it is over");
    }
  }

  /** Not yet, but soon. */
  public static final class NotReady extends Refusal {
    public NotReady(String message) {
      super(ErrorCode.STORE_UNAVAILABLE, message, null, "ask again when /readyz says so");
    }
  }

  /** The caller did not say the API key. */
  public static final class Unauthorized extends Refusal {
    public Unauthorized() {
      super(
          ErrorCode.REQUEST_INVALID,
          "this gateway asks for its API key",
          "Authorization",
          "send the header Authorization: Bearer with the key");
    }
  }

  /** Too many clients hold a stream open. */
  public static final class TooManyStreams extends Refusal {
    public TooManyStreams(int limit) {
      super(
          ErrorCode.REQUEST_INVALID,
          "%d event streams are open already".formatted(limit),
          null,
          "close some, or raise gateway.max-streams");
    }
  }

  /** The range begins behind the end of the file. */
  public static final class RangeUnsatisfiable extends Refusal {
    private final long size;

    public RangeUnsatisfiable(long size) {
      super(
          ErrorCode.REQUEST_INVALID,
          "the file has only %d bytes".formatted(size),
          "Range",
          "ask for a range within the file");
      this.size = size;
    }

    /** The size of the file. */
    public long size() {
      return size;
    }
  }

  /** What a person sent, short and without control characters, for a message. */
  private static String shown(String text) {
    var clean = text.replaceAll("\\p{Cntrl}", "?");
    return clean.length() > 100 ? clean.substring(0, 100) + "…" : clean;
  }
}
