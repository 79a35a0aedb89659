package flora.labeler.image;

import flora.schemas.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * A picture that lies in the store and was not looked at yet.
 *
 * @param fileName its name within the dataset; data, never a key
 * @param bucket where its bytes lie
 * @param key where its bytes lie
 * @param size bytes, when it was listed
 * @param etag of the object; null where its digest is known
 * @param sha256 digest of its bytes, where that is known without reading them
 */
public record Picture(
    String fileName,
    String bucket,
    String key,
    long size,
    @Nullable String etag,
    @Nullable Sha256 sha256) {

  /** What pictures of the same bytes have in common, as far as a listing tells. */
  public String content() {
    return sha256 != null ? sha256.hex() : etag + "/" + size;
  }

  /** The name of the folder that it lies in; null at the top. */
  public @Nullable String folder() {
    int end = fileName.lastIndexOf('/');
    return end < 0 ? null : fileName.substring(fileName.lastIndexOf('/', end - 1) + 1, end);
  }
}
