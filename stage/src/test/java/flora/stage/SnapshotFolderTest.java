package flora.stage;

import static java.nio.charset.StandardCharsets.UTF_8;
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
import flora.store.LocalCache;
import flora.store.LocalFiles;
import flora.store.ObjectStoreException;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotFolderTest {

  @TempDir Path disk;
  private final MemoryObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private LocalCache cache;

  @BeforeEach
  void buckets() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    cache = new LocalCache(store, LocalFiles.none(), disk.resolve("cache"), 1 << 20);
  }

  @Test
  void laysOutARepositoryAndRemovesOnlyTheLinks() throws Exception {
    var snapshot = snapshot(Map.of("config.json", "{}", "unet/weights.safetensors", "bytes"));

    try (var folder = SnapshotFolder.open(cache, snapshot, disk.resolve("work"))) {
      assertThat(folder.path().resolve("config.json")).hasContent("{}");
      assertThat(folder.path().resolve("unet/weights.safetensors")).hasContent("bytes");
      assertThat(folder.manifest().files()).hasSize(2);
    }

    assertThat(disk.resolve("work")).isEmptyDirectory();
    try (var files = Files.walk(disk.resolve("cache"))) {
      assertThat(files.filter(Files::isRegularFile)).hasSize(3);
    }
  }

  @Test
  void onlyWhatIsWantedIsFetched() throws Exception {
    var snapshot = snapshot(Map.of("vae/config.json", "{}", "unet/weights.safetensors", "bytes"));

    try (var folder =
        SnapshotFolder.open(
            cache, snapshot, disk.resolve("work"), path -> path.startsWith("unet/"))) {
      assertThat(folder.path().resolve("unet/weights.safetensors")).hasContent("bytes");
      assertThat(folder.path().resolve("vae")).doesNotExist();
    }

    try (var files = Files.walk(disk.resolve("cache"))) {
      assertThat(files.filter(Files::isRegularFile)).hasSize(2);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"../outside", "a/../../outside", "/tmp/flora-outside", "."})
  void aPathThatLeavesTheFolderIsRefused(String path) throws Exception {
    var snapshot = snapshot(Map.of(path, "x"));

    assertThatThrownBy(() -> SnapshotFolder.open(cache, snapshot, disk.resolve("work")))
        .hasRootCauseMessage("a file of me/model lies outside of its folder");
    assertThat(disk.resolve("work")).isEmptyDirectory();
  }

  @Test
  void aBlobThatIsNotWhatTheManifestSaysIsRefused() throws Exception {
    var snapshot = snapshot(Map.of("config.json", "{}"));
    store.put(
        StoreLayout.MODELS,
        StoreLayout.blob(Sha256.sum("{}".getBytes(UTF_8))),
        "[]".getBytes(UTF_8),
        "x");

    assertThatThrownBy(() -> SnapshotFolder.open(cache, snapshot, disk.resolve("work")))
        .isInstanceOf(ObjectStoreException.Corrupt.class);
    assertThat(disk.resolve("work")).isEmptyDirectory();
  }

  private Snapshot snapshot(Map<String, String> files) {
    var entries = new ArrayList<RepoManifest.Entry>();
    files.forEach(
        (path, text) -> {
          var bytes = text.getBytes(UTF_8);
          var digest = Sha256.sum(bytes);
          store.put(StoreLayout.MODELS, StoreLayout.blob(digest), bytes, "x");
          entries.add(
              new RepoManifest.Entry(
                  path,
                  bytes.length,
                  digest,
                  null,
                  "lfs-sha256",
                  "store",
                  Instant.EPOCH,
                  List.of(),
                  null));
        });
    var repo = new RepoId("me/model");
    var manifest = Json.bytes(new RepoManifest(repo, "c0ffee", entries));
    var key = StoreLayout.modelManifest(repo, "c0ffee");
    store.put(StoreLayout.MODELS, key, manifest, "application/json");
    return new Snapshot(
        RepoRole.LABEL_MODEL,
        repo,
        "main",
        "c0ffee",
        new ObjectRef(StoreLayout.MODELS, key, manifest.length, Sha256.sum(manifest)));
  }
}
