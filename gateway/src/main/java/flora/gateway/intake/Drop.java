package flora.gateway.intake;

import flora.gateway.dataset.FileKind;
import flora.gateway.dataset.Listing;
import flora.schemas.Sha256;
import flora.store.ObjectInfo;
import java.util.List;
import java.util.Optional;

/**
 * What lies in one incoming folder.
 *
 * @param folder its name, as whoever dropped it chose
 * @param listing digest of what lies there
 * @param files what lies there
 */
record Drop(String folder, Sha256 listing, List<ObjectInfo> files) {

  Drop {
    files = List.copyOf(files);
  }

  static Drop of(String folder, List<ObjectInfo> files) {
    return new Drop(folder, Listing.digest(files), files);
  }

  /** Whether there is anything to label. */
  boolean hasImages() {
    return files.stream().anyMatch(f -> FileKind.of(f.key()) == FileKind.IMAGE);
  }

  /** The {@code flora.yaml} at its top. */
  Optional<ObjectInfo> request() {
    var top = "incoming/" + folder + "/";
    return files.stream()
        .filter(f -> FileKind.of(f.key()) == FileKind.REQUEST)
        .filter(f -> f.key().indexOf('/', top.length()) < 0)
        .findFirst();
  }
}
