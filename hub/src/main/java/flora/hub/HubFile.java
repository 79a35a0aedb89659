package flora.hub;

import flora.schemas.Sha256;
import org.jspecify.annotations.Nullable;

/**
 * A file as a hub lists it.
 *
 * @param path in the repository; data, never part of a key
 * @param size bytes
 * @param gitSha1 git blob id of the file, or of the pointer that stands for a large one
 * @param sha256 digest of a large file's bytes; null for one that lies in git itself
 */
public record HubFile(String path, long size, String gitSha1, @Nullable Sha256 sha256) {

  /** What the hub names the bytes by: the same for the same bytes. */
  public String identity() {
    return sha256 == null ? "git:" + gitSha1 : "sha256:" + sha256.hex();
  }
}
