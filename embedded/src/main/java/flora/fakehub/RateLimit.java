package flora.fakehub;

import java.time.Duration;

/**
 * A limit of requests in fixed windows, as huggingface.co has it: every answer carries the draft
 * IETF headers {@code RateLimit: "api";r=…;t=…} and {@code RateLimit-Policy: "fixed
 * window";"api";q=…;w=…} that {@code huggingface_hub}'s {@code parse_ratelimit_headers} reads, and
 * 429 says when to come again.
 *
 * @param resource what is counted
 * @param requests in a window
 * @param window how long it is
 * @param retryAfter what 429 carries
 * @param announced whether the {@code RateLimit} headers are sent
 */
public record RateLimit(
    Resource resource, int requests, Duration window, RetryAfter retryAfter, boolean announced) {

  /** What is counted together. */
  public enum Resource {
    /** Info and trees. */
    API,
    /** {@code resolve} and where small files come from. */
    RESOLVERS
  }

  /** How {@code Retry-After} is written. */
  public enum RetryAfter {
    ABSENT,
    SECONDS,
    DATE
  }

  /** Announced, with {@code Retry-After} in seconds. */
  public static RateLimit of(Resource resource, int requests, Duration window) {
    return new RateLimit(resource, requests, window, RetryAfter.SECONDS, true);
  }

  /** With another {@code Retry-After}. */
  public RateLimit retryAfter(RetryAfter form) {
    return new RateLimit(resource, requests, window, form, announced);
  }

  /** Without the {@code RateLimit} headers. */
  public RateLimit silent() {
    return new RateLimit(resource, requests, window, retryAfter, false);
  }
}
