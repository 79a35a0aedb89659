package flora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SnapshotFolderTest {

  @TempDir Path temporary;

  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @Test
  void filesLieAtTheirPathsInTheRepository() throws Exception {
    var folder = temporary.resolve("model");

    var manifest =
        SnapshotFolder.link(
            snapshot("unet/config.json", "vae/config.json", "README.md"),
            cache(),
            folder,
            path -> path.contains("/"));

    assertThat(folder.resolve("unet/config.json")).hasContent("unet/config.json");
    assertThat(folder.resolve("vae/config.json")).hasContent("vae/config.json");
    assertThat(folder.resolve("README.md")).doesNotExist();
    assertThat(manifest.files()).hasSize(3);
  }

  @Test
  void canBeDoneAgain() throws Exception {
    var folder = temporary.resolve("model");
    var snapshot = snapshot("unet/config.json");

    SnapshotFolder.link(snapshot, cache(), folder, _ -> true);
    SnapshotFolder.link(snapshot, cache(), folder, _ -> true);

    assertThat(folder.resolve("unet/config.json")).hasContent("unet/config.json");
  }

  @Test
  void aPathOutsideIsRefused() throws Exception {
    var snapshot = snapshot("../outside");

    assertThatThrownBy(
            () -> SnapshotFolder.link(snapshot, cache(), temporary.resolve("model"), _ -> true))
        .isInstanceOf(ObjectStoreException.Rejected.class);
    assertThat(temporary.resolve("outside")).doesNotExist();
  }

  private LocalCache cache() {
    return new LocalCache(store, LocalFiles.none(), temporary.resolve("cache"), 1 << 20);
  }

  /** A repository in which every file holds its own path. */
  private Snapshot snapshot(String... paths) throws Exception {
    store.ensureBucket(StoreLayout.MODELS);
    var repo = new RepoId("somebody/model");
    var files =
        Arrays.stream(paths)
            .map(
                path -> {
                  var ref = put("", path.getBytes(StandardCharsets.UTF_8));
                  return new RepoManifest.Entry(
                      path, ref.size(), ref.sha256(), null, "lfs-sha256", "hub", Instant.EPOCH);
                })
            .toList();
    var manifest = put("manifest.json", Json.bytes(new RepoManifest(repo, "c0ffee", files)));
    return new Snapshot(RepoRole.BASE_MODEL, repo, "main", "c0ffee", manifest);
  }

  private ObjectRef put(String key, byte[] bytes) {
    try {
      var digest = Sha256.of(MessageDigest.getInstance("SHA-256").digest(bytes));
      var name = key.isEmpty() ? StoreLayout.blob(digest) : key;
      store.put(StoreLayout.MODELS, name, bytes, "application/octet-stream");
      return new ObjectRef(StoreLayout.MODELS, name, bytes.length, digest);
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
