package flora.hub;

import flora.schemas.Sha256;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A file as a hub lists it.
 *
 * @param path in the repository; data, never part of a key
 * @param size bytes
 * @param gitSha1 git blob id of the file, or of the pointer that stands for a large one; null where
 *     a mirror does not know it
 * @param sha256 digest of the file's bytes; null for one that lies in git itself
 */
public record HubFile(String path, long size, @Nullable String gitSha1, @Nullable Sha256 sha256) {

  public HubFile {
    if (gitSha1 == null && sha256 == null) {
      throw new IllegalArgumentException("a file without a digest: expected a git id or SHA-256");
    }
  }

  /** What the hub names the bytes by: the same for the same bytes. */
  public String identity() {
    return sha256 == null ? "git:" + gitSha1 : "sha256:" + sha256.hex();
  }

  /** How the same file of two lists compares. */
  public enum Likeness {
    /** The same digest. */
    SAME,
    /** The same size, and no digest that both lists have. */
    MAYBE,
    /** Another size or digest. */
    OTHER
  }

  /** Compares it with what another place lists; paths do not matter. */
  public Likeness compare(HubFile other) {
    if (size != other.size) {
      return Likeness.OTHER;
    }
    if (sha256 != null && other.sha256 != null) {
      return sha256.equals(other.sha256) ? Likeness.SAME : Likeness.OTHER;
    }
    if (sha256 == null && other.sha256 == null) {
      return Objects.equals(gitSha1, other.gitSha1) ? Likeness.SAME : Likeness.OTHER;
    }
    return Likeness.MAYBE;
  }
}
