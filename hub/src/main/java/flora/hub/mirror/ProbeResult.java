package flora.hub.mirror;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * What a look at a place found.
 *
 * @param name of the place
 * @param reachable whether it answers
 * @param p50Ms half of the answers so far came within this time
 * @param p95Ms nineteen of twenty did
 * @param bytesPerSecond of a small range of a file
 * @param repository that it was looked at with
 * @param commit that its main branch stands on there; null for a place without commits
 * @param originCommit that it stands on at the hub; null when the hub does not answer
 * @param lagSeconds for how long the two have been different; 0 for not at all
 * @param verdict what to think of it
 * @param cause in words
 */
public record ProbeResult(
    String name,
    boolean reachable,
    @Nullable Long p50Ms,
    @Nullable Long p95Ms,
    @Nullable Long bytesPerSecond,
    String repository,
    @Nullable String commit,
    @Nullable String originCommit,
    @Nullable Long lagSeconds,
    Verdict verdict,
    String cause) {

  /** What to think of a place. */
  public enum Verdict {
    /** Prompt, up to date, and its bytes come. */
    @JsonProperty("ok")
    OK,
    /** It answers late. */
    @JsonProperty("slow")
    SLOW,
    /** Its commit has been another than the hub's for long. */
    @JsonProperty("lagging")
    LAGGING,
    /** It answers, and its files lead to a host that cannot be reached. */
    @JsonProperty("metadata_only")
    METADATA_ONLY,
    /** It answers, and something is wrong with what it says or gives. */
    @JsonProperty("faulty")
    FAULTY,
    /** It does not answer. */
    @JsonProperty("unreachable")
    UNREACHABLE
  }
}
