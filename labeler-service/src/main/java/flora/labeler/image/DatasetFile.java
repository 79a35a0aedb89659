package flora.labeler.image;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.Snapshot;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Instant;
import java.util.Comparator;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A file of a dataset, of whatever kind.
 *
 * @param name within the dataset
 * @param bucket where its bytes lie
 * @param key where its bytes lie
 * @param size bytes
 * @param etag of the object; null where the digest is known
 * @param sha256 digest of its bytes, where a list tells it
 * @param written when it came; null where nobody knows
 */
public record DatasetFile(
    String name,
    String bucket,
    String key,
    long size,
    @Nullable String etag,
    @Nullable Sha256 sha256,
    @Nullable Instant written) {

  /** What was dropped or uploaded under a dataset's name, in the order of the store. */
  static void incoming(ObjectStore store, String dataset, Consumer<DatasetFile> files) {
    var folder = StoreLayout.incoming(dataset);
    try (var objects = store.list(StoreLayout.DATASETS, folder)) {
      objects.forEach(
          o ->
              files.accept(
                  new DatasetFile(
                      o.key().substring(folder.length()),
                      o.bucket(),
                      o.key(),
                      o.size(),
                      o.etag().replace("\"", ""),
                      null,
                      o.lastModified())));
    }
  }

  /** A dataset repository that was fetched from a hub, by name. */
  static void fetched(ObjectStore store, Snapshot snapshot, Consumer<DatasetFile> files) {
    var reference = snapshot.manifest();
    var stored =
        store
            .read(reference.bucket(), reference.key())
            .orElseThrow(
                () -> new ObjectStoreException.NotFound(reference.bucket(), reference.key()));
    Json.read(stored.bytes(), RepoManifest.class).files().stream()
        .sorted(Comparator.comparing(RepoManifest.Entry::path))
        .map(
            f ->
                new DatasetFile(
                    f.path(),
                    reference.bucket(),
                    StoreLayout.blob(f.sha256()),
                    f.size(),
                    null,
                    f.sha256(),
                    null))
        .forEach(files);
  }
}
