package flora.stage;

import flora.schemas.Json;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.Snapshot;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.LocalCache;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.function.Predicate;

/**
 * A fetched repository as the folder that its readers expect: links, under the paths of the
 * repository, to verified files of this machine. Nothing is copied that lies here already. Closing
 * removes the links; what was mapped stays mapped.
 */
public final class SnapshotFolder implements AutoCloseable {

  private final Path path;
  private final RepoManifest manifest;

  private SnapshotFolder(Path path, RepoManifest manifest) {
    this.path = path;
    this.manifest = manifest;
  }

  /** What a snapshot consists of, without laying it out. */
  public static RepoManifest manifest(LocalCache cache, Snapshot snapshot) {
    try {
      return Json.read(Files.readAllBytes(cache.file(snapshot.manifest())), RepoManifest.class);
    } catch (IOException e) {
      throw new UncheckedIOException("a snapshot's manifest cannot be read", e);
    }
  }

  /** Lays out a whole snapshot, see {@link #open(LocalCache, Snapshot, Path, Predicate)}. */
  public static SnapshotFolder open(LocalCache cache, Snapshot snapshot, Path parent) {
    return open(cache, snapshot, parent, _ -> true);
  }

  /**
   * Lays out a snapshot in a new folder.
   *
   * @param parent where the folder is made; it is made itself if it is not there
   * @param wanted by path in the repository; what is not wanted is not copied from a far store
   * @throws flora.store.ObjectStoreException when a file of the snapshot cannot be had
   */
  public static SnapshotFolder open(
      LocalCache cache, Snapshot snapshot, Path parent, Predicate<String> wanted) {
    try {
      var manifest = manifest(cache, snapshot);
      Files.createDirectories(parent);
      var folder = new SnapshotFolder(Files.createTempDirectory(parent, "snapshot-"), manifest);
      try {
        for (var file : manifest.files()) {
          if (wanted.test(file.path())) {
            folder.link(cache.file(blob(snapshot, file)), file.path());
          }
        }
      } catch (RuntimeException | IOException e) {
        folder.close();
        throw e;
      }
      return folder;
    } catch (IOException e) {
      throw new UncheckedIOException("a snapshot cannot be laid out in " + parent, e);
    }
  }

  /** The blob of a file; it lies in the bucket of its manifest. */
  private static ObjectRef blob(Snapshot snapshot, RepoManifest.Entry file) {
    return new ObjectRef(
        snapshot.manifest().bucket(), StoreLayout.blob(file.sha256()), file.size(), file.sha256());
  }

  /** The folder. */
  public Path path() {
    return path;
  }

  /** What lies in it. */
  public RepoManifest manifest() {
    return manifest;
  }

  private void link(Path file, String repoPath) throws IOException {
    var link = path.resolve(repoPath).normalize();
    // paths come from a hub
    if (!link.startsWith(path) || link.equals(path)) {
      throw new IOException("a file of " + manifest.repo() + " lies outside of its folder");
    }
    Files.createDirectories(link.resolveSibling(""));
    Files.createSymbolicLink(link, file.toAbsolutePath());
  }

  @Override
  public void close() {
    try (var files = Files.walk(path)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + path, e);
    }
  }
}
