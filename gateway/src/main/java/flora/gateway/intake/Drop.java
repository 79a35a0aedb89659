package flora.gateway.intake;

import flora.gateway.dataset.FileKind;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetListing;
import flora.store.ObjectInfo;
import org.jspecify.annotations.Nullable;

/**
 * What lies in one incoming folder: so little of it that a folder of any size takes the same room.
 *
 * @param folder its name, as whoever dropped it chose
 * @param listing digest of what lies there
 * @param files how many files
 * @param hasImages whether there is anything to label
 * @param request the {@code flora.yaml} at its top, if there is one
 */
record Drop(
    String folder, Sha256 listing, long files, boolean hasImages, @Nullable ObjectInfo request) {

  /** Files of one folder as they are listed, one after the other. */
  static final class Counter {
    private final String folder;
    private final int top;
    private final DatasetListing listing = new DatasetListing();
    private boolean hasImages;
    private @Nullable ObjectInfo request;

    Counter(String folder) {
      this.folder = folder;
      top = "incoming/".length() + folder.length() + 1;
    }

    void add(ObjectInfo file) {
      listing.add(file.key(), file.size(), file.etag());
      var kind = FileKind.of(file.key());
      hasImages |= kind == FileKind.IMAGE;
      if (request == null && kind == FileKind.REQUEST && file.key().indexOf('/', top) < 0) {
        request = file;
      }
    }

    Drop drop() {
      return new Drop(folder, listing.finish(), listing.files(), hasImages, request);
    }
  }
}
