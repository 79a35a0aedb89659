package flora.labeler.image;

import org.jspecify.annotations.Nullable;

/**
 * A picture that lies in the store and was not looked at yet.
 *
 * @param fileName its name within the dataset; data, never a key
 * @param bucket where its bytes lie
 * @param key where its bytes lie
 * @param size bytes
 * @param caption the caption that came with it; null = none did
 */
public record Picture(
    String fileName, String bucket, String key, long size, @Nullable String caption) {}
