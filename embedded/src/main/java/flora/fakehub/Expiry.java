package flora.fakehub;

import java.time.Duration;

/**
 * How long a signed URL of the content network is good; after that it answers 403 with XML, as S3
 * and CloudFront do, and {@code resolve} gives a fresh one. Transfers that run go on.
 *
 * @param life since it was given
 * @param requests that it is good for
 */
public record Expiry(Duration life, int requests) {

  /** Never. */
  public static final Expiry NEVER = new Expiry(Duration.ofDays(365), Integer.MAX_VALUE);

  /** So long after it was given. */
  public static Expiry after(Duration life) {
    return new Expiry(life, Integer.MAX_VALUE);
  }

  /** After so many requests. */
  public static Expiry after(int requests) {
    return new Expiry(NEVER.life, requests);
  }
}
