package flora.store;

import java.time.Instant;

/**
 * A multipart upload that is neither completed nor aborted.
 *
 * @param key of the object that it would become
 * @param uploadId what the store calls it
 * @param started when, by the store's clock
 */
public record OpenUpload(String key, String uploadId, Instant started) {}
