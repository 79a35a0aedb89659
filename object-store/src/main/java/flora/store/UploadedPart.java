package flora.store;

/**
 * A part of a multipart upload that lies in the store.
 *
 * @param number from 1
 * @param etag what the store calls its bytes: their MD5, where nothing is encrypted
 * @param size bytes
 */
public record UploadedPart(int number, String etag, long size) {}
