package flora.schemas.dataset;

import flora.schemas.Sha256;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/**
 * What lies in a dataset's incoming folder as one digest, taken while it is listed: the same files
 * are the same listing, for whoever lists them. Not thread-safe.
 */
public final class DatasetListing {

  private final MessageDigest digest;
  private long files;

  public DatasetListing() {
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  /**
   * Adds the next file, in the order in which the store lists keys.
   *
   * @param key complete within its bucket
   * @param size bytes
   * @param etag with or without its quotes
   */
  public void add(String key, long size, String etag) {
    var line = key + "\0" + size + "\0" + etag.replace("\"", "") + "\n";
    digest.update(line.getBytes(StandardCharsets.UTF_8));
    files++;
  }

  /** How many files were added. */
  public long files() {
    return files;
  }

  /** The digest of all files; ends the listing. */
  public Sha256 finish() {
    return Sha256.of(digest.digest());
  }
}
