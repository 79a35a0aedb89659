package flora.schemas.fetch;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The files of one commit that lie verified in the store; written after the last of them.
 *
 * @param repo the repository
 * @param commit the commit
 * @param files in path order; more are added when another run needs more of the same commit
 */
public record RepoManifest(RepoId repo, String commit, List<Entry> files) {

  public RepoManifest {
    files = List.copyOf(files);
  }

  /**
   * One file.
   *
   * @param path its path in the repository
   * @param size bytes
   * @param sha256 digest, and through it the blob's key
   * @param gitSha1 the git blob id that the hub names it by, when it does
   * @param verifiedBy what the digest was checked against: {@code lfs-sha256}, {@code git-sha1}
   * @param source host that the bytes came from
   * @param fetchedAt when
   * @param listedBy names of the hubs and mirrors whose lists have these very bytes: one is enough,
   *     each further one vouches for them as well. Grows with every fetch; none in a run's own
   *     manifest, which never changes
   * @param convertedFrom the file of the repository that it was made from, when it is not one
   */
  public record Entry(
      String path,
      long size,
      Sha256 sha256,
      @Nullable String gitSha1,
      String verifiedBy,
      String source,
      Instant fetchedAt,
      List<String> listedBy,
      @Nullable Original convertedFrom) {
    public Entry {
      // manifests of before there were mirrors have none
      listedBy = listedBy == null ? List.of() : List.copyOf(listedBy);
    }

    /** The same with these vouching for it. */
    public Entry listedBy(List<String> names) {
      return new Entry(
          path, size, sha256, gitSha1, verifiedBy, source, fetchedAt, names, convertedFrom);
    }
  }

  /**
   * A file of the repository that another one was made from.
   *
   * @param path in the repository
   * @param size bytes
   * @param sha256 digest of what was fetched
   */
  public record Original(String path, long size, Sha256 sha256) {}

  /** The file at a path. */
  public Optional<Entry> file(String path) {
    return files.stream().filter(f -> f.path().equals(path)).findFirst();
  }
}
