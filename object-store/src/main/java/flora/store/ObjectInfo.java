package flora.store;

import java.time.Instant;

/**
 * What is known of an object without reading it.
 *
 * @param bucket its bucket
 * @param key its key
 * @param size bytes
 * @param etag changes whenever the object does
 * @param lastModified when it was written, by the store's clock
 */
public record ObjectInfo(String bucket, String key, long size, String etag, Instant lastModified) {}
