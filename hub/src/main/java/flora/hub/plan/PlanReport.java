package flora.hub.plan;

import com.fasterxml.jackson.annotation.JsonProperty;
import flora.schemas.RepoId;
import flora.schemas.fetch.RepoRole;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a request would fetch, before the first byte.
 *
 * @param object always {@code plan}
 * @param repositories in the order of the request
 * @param mirrors the hub and its mirrors, and what each could give
 * @param files of all repositories
 * @param bytes of all of them
 * @param presentBytes of those that lie in the store
 * @param toFetchBytes of the others; the same bytes under several names count once
 * @param diskFreeBytes room on the store's medium; null when it cannot tell
 * @param warnings what somebody should know of the whole
 */
public record PlanReport(
    String object,
    List<Repository> repositories,
    List<MirrorEstimate> mirrors,
    int files,
    long bytes,
    long presentBytes,
    long toFetchBytes,
    @Nullable Long diskFreeBytes,
    List<String> warnings) {

  public PlanReport {
    repositories = List.copyOf(repositories);
    mirrors = List.copyOf(mirrors);
    warnings = List.copyOf(warnings);
  }

  /**
   * One repository.
   *
   * @param role what the run wants it for
   * @param type {@code model} or {@code dataset}
   * @param repo under which name it is had; another than in the request when it was renamed
   * @param revision branch, tag or commit that was asked for
   * @param commit what that stands for
   * @param listedBy name of the place whose list counts; {@code store} for what was fetched before
   * @param files what is got of it, in path order
   * @param bytes of these files
   * @param presentBytes of those that lie in the store
   * @param toFetchBytes of the others
   * @param warnings what somebody should know about the choice
   */
  public record Repository(
      RepoRole role,
      String type,
      RepoId repo,
      String revision,
      String commit,
      String listedBy,
      List<PlannedFile> files,
      long bytes,
      long presentBytes,
      long toFetchBytes,
      List<String> warnings) {
    public Repository {
      files = List.copyOf(files);
      warnings = List.copyOf(warnings);
    }
  }

  /**
   * One file.
   *
   * @param path in the repository
   * @param size bytes
   * @param digest {@code sha256:…}, or {@code git:…} for a file that lies in git itself
   * @param present whether it lies verified in the store
   * @param sources names of the places that have these very bytes, the best first
   * @param converted whether it is a pickle that becomes safetensors
   */
  public record PlannedFile(
      String path,
      long size,
      String digest,
      boolean present,
      List<String> sources,
      boolean converted) {
    public PlannedFile {
      sources = List.copyOf(sources);
    }
  }

  /**
   * What one place could give.
   *
   * @param name of the hub or mirror
   * @param files of the plan that it has
   * @param bytes of these
   * @param missingBytes of those among them that are not in the store
   * @param bytesPerSecond of one connection, as measured; null when it was not
   * @param estimatedSeconds for the missing bytes from it alone, at best: over as many connections
   *     as it may have, where the link carries that
   * @param p95Ms nineteen of twenty of its answers come within this time
   * @param verdict what to think of it
   */
  public record MirrorEstimate(
      String name,
      int files,
      long bytes,
      long missingBytes,
      @Nullable Long bytesPerSecond,
      @Nullable Long estimatedSeconds,
      @Nullable Long p95Ms,
      Verdict verdict) {}

  /** What to think of a place. */
  public enum Verdict {
    /** It does well. */
    @JsonProperty("ok")
    OK,
    /** It answers late. */
    @JsonProperty("slow")
    SLOW,
    /** Its commits have been others than the hub's for long. */
    @JsonProperty("lagging")
    LAGGING,
    /** Its files lead to a host that cannot be reached. */
    @JsonProperty("metadata_only")
    METADATA_ONLY,
    /** It failed lately: it is not asked for a while, or has yet to answer. */
    @JsonProperty("resting")
    RESTING,
    /** Nothing has been measured yet. */
    @JsonProperty("unknown")
    UNKNOWN
  }
}
