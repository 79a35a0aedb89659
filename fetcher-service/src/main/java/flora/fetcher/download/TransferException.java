package flora.fetcher.download;

import flora.hub.HubException;
import flora.schemas.ErrorCode;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** What can go wrong with bytes on their way, besides what the hub and the store say themselves. */
public abstract sealed class TransferException extends PipelineException {

  private final ErrorCode code;
  private final String hint;

  private TransferException(ErrorCode code, String message, String hint) {
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

  /** The bytes are not those that the hub lists. */
  public static final class ChecksumMismatch extends TransferException {
    public ChecksumMismatch(
        RepoId repo, String path, String host, String expected, String received) {
      super(
          ErrorCode.CHECKSUM_MISMATCH,
          "%s of %s came from %s with %s, expected %s; nothing of it was kept"
              .formatted(path, repo, host, received, expected),
          "try again later, or let another mirror give it (use_mirror) or another HF_ENDPOINT: this"
              + " source, or a proxy before it, gives wrong bytes");
    }
  }

  /** No source could give a file; each has a reason of its own. */
  public static final class AllFailed extends TransferException {
    /**
     * @param liars who gave wrong bytes
     * @param errors why the others cannot
     */
    public AllFailed(
        RepoId repo, String path, Collection<String> liars, Map<String, HubException> errors) {
      super(
          gated(errors)
              .or(() -> errors.values().stream().reduce((first, last) -> last))
              .map(PipelineException::code)
              .orElse(liars.isEmpty() ? ErrorCode.HUB_UNREACHABLE : ErrorCode.CHECKSUM_MISMATCH),
          "no source has %s of %s: %s".formatted(path, repo, reasons(liars, errors)),
          gated(errors)
              .map(PipelineException::hint)
              .orElse("check the network and the mirrors that are configured"));
    }

    /** What somebody can do something about. */
    private static Optional<HubException> gated(Map<String, HubException> errors) {
      return errors.values().stream().filter(HubException.Gated.class::isInstance).findFirst();
    }
  }

  private static String reasons(Collection<String> liars, Map<String, HubException> errors) {
    var reasons =
        Stream.concat(
            errors.entrySet().stream().map(e -> HubException.named(e.getKey(), e.getValue())),
            liars.stream().sorted().map(name -> name + ": gave wrong bytes"));
    return liars.isEmpty() && errors.isEmpty()
        ? "none can be asked"
        : reasons.collect(Collectors.joining("; "));
  }

  /** The store's medium has no room for what is missing. */
  public static final class DiskFull extends TransferException {
    public DiskFull(long missing, long needed, long free) {
      super(
          ErrorCode.INSUFFICIENT_DISK,
          "%d bytes are to be fetched, which needs %d bytes of disk, but %d bytes are free"
              .formatted(missing, needed, free),
          "free at least %d bytes, or choose fewer files with allow_patterns"
              .formatted(needed - free));
    }
  }
}
