package flora.hub.archive;

import flora.schemas.Sha256;
import java.time.Instant;

/**
 * A blob as it lies in the store.
 *
 * @param bucket its bucket
 * @param digest what it is named by
 * @param size bytes
 * @param modified when it was written
 * @param marked whether it counts
 */
public record Blob(String bucket, Sha256 digest, long size, Instant modified, boolean marked) {

  /** A blob's name, also while it is not there. */
  public record Id(String bucket, Sha256 digest) {}

  /** Its name. */
  public Id id() {
    return new Id(bucket, digest);
  }
}
