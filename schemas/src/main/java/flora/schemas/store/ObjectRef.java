package flora.schemas.store;

import flora.schemas.Sha256;

/**
 * A reference to bytes in the object store, small enough for an event.
 *
 * @param bucket the bucket
 * @param key the key, complete within the bucket
 * @param size bytes
 * @param sha256 digest of the whole object
 */
public record ObjectRef(String bucket, String key, long size, Sha256 sha256) {
  public ObjectRef {
    if (size < 0) {
      throw new IllegalArgumentException("size must not be negative: " + size);
    }
  }
}
