package flora.hub.mirror;

import com.fasterxml.jackson.annotation.JsonProperty;
import org.jspecify.annotations.Nullable;

/**
 * A place and how it does, as this service sees it. Numbers that have not been measured are null.
 *
 * @param mirror its configuration without secrets
 * @param made by whom
 * @param circuit whether it is asked
 * @param cause why it is not, or what it did last
 * @param p50Ms half of its answers come within this time
 * @param p95Ms nineteen of twenty do
 * @param bytesPerSecond of one connection
 * @param lagSeconds for how long a commit of it has been another than the hub's
 * @param slow whether {@code p95Ms} is above {@code hub.max-p95-ms}
 * @param lagging whether {@code lagSeconds} is above {@code hub.max-sync-lag-s}
 * @param metadataOnly the host that its files lead to and that cannot be reached
 */
public record MirrorStatus(
    Mirror mirror,
    Made made,
    Circuit circuit,
    @Nullable String cause,
    @Nullable Long p50Ms,
    @Nullable Long p95Ms,
    @Nullable Long bytesPerSecond,
    @Nullable Long lagSeconds,
    boolean slow,
    boolean lagging,
    @Nullable String metadataOnly) {

  /** Where a place comes from. */
  public enum Made {
    /** It is the hub itself. */
    @JsonProperty("origin")
    ORIGIN,
    /** {@code hub.mirrors}. */
    @JsonProperty("configuration")
    CONFIGURATION,
    /** The API; kept in the store. */
    @JsonProperty("api")
    API,
    /** It comes with Flora. */
    @JsonProperty("well_known")
    WELL_KNOWN
  }

  /** Whether a place is asked. */
  public enum Circuit {
    /** It is. */
    @JsonProperty("closed")
    CLOSED,
    /** It is not, for a while. */
    @JsonProperty("open")
    OPEN,
    /** Once, and that decides. */
    @JsonProperty("half_open")
    HALF_OPEN
  }
}
