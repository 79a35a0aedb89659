package flora.store;

import flora.schemas.Json;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.Snapshot;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.function.Predicate;

/** Lays a repository's files out as a folder, as libraries expect them: links, no copies. */
public final class SnapshotFolder {

  private SnapshotFolder() {}

  /**
   * Links the files of a snapshot into a folder by their paths in the repository.
   *
   * @param cache where the files come from
   * @param wanted by path; what is not wanted is not fetched
   * @return the manifest, with the digests of all files
   * @throws ObjectStoreException as {@link LocalCache#file} does, and {@code Rejected} when the
   *     manifest names a path outside
   */
  public static RepoManifest link(
      Snapshot snapshot, LocalCache cache, Path folder, Predicate<String> wanted) {
    var home = folder.toAbsolutePath().normalize();
    try {
      var manifest =
          Json.read(Files.readAllBytes(cache.file(snapshot.manifest())), RepoManifest.class);
      for (var entry : manifest.files()) {
        if (!wanted.test(entry.path())) {
          continue;
        }
        var link = home.resolve(entry.path()).normalize();
        if (!link.startsWith(home) || link.equals(home)) {
          throw new ObjectStoreException.Rejected(
              "the manifest of " + snapshot.repo() + " names a path outside the repository", null);
        }
        var blob =
            new ObjectRef(
                StoreLayout.MODELS, StoreLayout.blob(entry.sha256()), entry.size(), entry.sha256());
        Files.createDirectories(link.resolveSibling(""));
        Files.deleteIfExists(link);
        Files.createSymbolicLink(link, cache.file(blob).toAbsolutePath());
      }
      return manifest;
    } catch (IOException e) {
      throw new UncheckedIOException("the folder " + folder.getFileName() + " cannot be made", e);
    }
  }
}
