package flora.hub;

import flora.schemas.Sha256;
import java.util.List;
import java.util.Optional;

/** A repository at one commit, and where the bytes of its files can be had. Thread-safe. */
public interface RepoCopies {

  /** The commit and its files. */
  RepoListing listing();

  /** Who has these very bytes, the best first; more may turn up while a download is under way. */
  List<FileSource> sources(HubFile file);

  /**
   * The first bytes of a file that lies in the store, where the list is the store's own.
   *
   * @param length how many at most; small
   */
  default Optional<byte[]> stored(HubFile file, long length) {
    return Optional.empty();
  }

  /** Name of the place whose list counts; {@code store} for what was fetched before. */
  default Optional<String> listedBy() {
    return Optional.empty();
  }

  /**
   * Names of the places whose own lists have these very bytes, in order.
   *
   * @param digest of the bytes, which tells more than lists that name them differently
   */
  default List<String> vouchers(HubFile file, Sha256 digest) {
    return List.of();
  }

  /**
   * What the store said of the revision before the list was asked for; empty where nobody looked,
   * and where the list is the store's own.
   */
  default Optional<RefSeen> refSeen() {
    return Optional.empty();
  }

  /** The other name that it is had under. */
  default Optional<Renamed> renamed() {
    return Optional.empty();
  }

  /** What somebody should know of where it comes from. */
  default List<String> warnings() {
    return List.of();
  }
}
