package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.hub.archive.Verified;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What fetches leave in a store, and whether it is what should be there. */
final class Remains {

  private static final String MARKER = ".verified";

  private final ObjectStore store;

  Remains(ObjectStore store) {
    this.store = store;
  }

  /** Keys under a prefix of the models' bucket. */
  List<String> keys(String prefix) {
    try (var objects = store.list(StoreLayout.MODELS, prefix)) {
      return objects.map(ObjectInfo::key).toList();
    }
  }

  /** What counts is right, byte by byte. */
  void requireThatWhatCountsIsRight() {
    requireRight(new HashSet<>());
  }

  /**
   * What counts is right, byte by byte.
   *
   * @param known markers that were looked at before; grows
   */
  void requireRight(Set<String> known) {
    for (var key : keys("blobs/sha256/")) {
      if (key.endsWith(MARKER) && known.add(key)) {
        var blob = key.substring(0, key.length() - MARKER.length());
        assertThat(sha256(blob)).as("bytes of %s", blob).isEqualTo(blob.substring(16));
      }
    }
  }

  /** No upload is open and no state is left but of files with these ids. */
  void requireNothingBegunBut(Set<String> ids) {
    var begun = new ArrayList<>(keys(StoreLayout.UPLOADS));
    try (var open = store.openUploads(StoreLayout.MODELS, "")) {
      open.forEach(upload -> begun.add(upload.key()));
    }
    assertThat(begun)
        .as("states and open uploads")
        .allMatch(key -> ids.stream().anyMatch(key::contains));
  }

  /** No upload is open, no state is left, and no blob lies there that does not count. */
  void requireNothingLeftOver() {
    try (var open = store.openUploads(StoreLayout.MODELS, "")) {
      assertThat(open.toList()).as("open uploads").isEmpty();
    }
    assertThat(keys(StoreLayout.UPLOADS)).as("states").isEmpty();
    var blobs = keys("blobs/sha256/");
    assertThat(blobs.stream().filter(key -> !key.endsWith(MARKER)).map(key -> key + MARKER))
        .as("blobs and their markers")
        .containsExactlyInAnyOrderElementsOf(
            blobs.stream().filter(key -> key.endsWith(MARKER)).toList());
  }

  /** A manifest names all files of a repository by their right digests, and their blobs count. */
  void requirePublished(FakeRepo repo, ObjectRef reference) {
    requirePublished(repo, reference.key());
  }

  /** The same by the manifest's key. */
  void requirePublished(FakeRepo repo, String key) {
    var bytes = store.read(StoreLayout.MODELS, key).orElseThrow().bytes();
    var manifest = Json.read(bytes, RepoManifest.class);
    Map<String, String> expected = new HashMap<>();
    repo.paths().forEach(path -> expected.put(path, repo.sha256(path)));
    Map<String, String> listed = new HashMap<>();
    manifest.files().forEach(file -> listed.put(file.path(), file.sha256().hex()));
    assertThat(listed).as(repo.id()).isEqualTo(expected);
    for (var file : manifest.files()) {
      var blob = store.head(StoreLayout.MODELS, StoreLayout.blob(file.sha256()));
      assertThat(blob).as(file.path()).isPresent();
      assertThat(blob.orElseThrow().size()).isEqualTo(file.size());
      assertThat(isMarked(file.sha256())).as("marker of %s", file.path()).isTrue();
    }
  }

  boolean isMarked(Sha256 digest) {
    return store
        .read(StoreLayout.MODELS, StoreLayout.verified(digest))
        .filter(marker -> Json.read(marker.bytes(), Verified.class).sha256().equals(digest))
        .isPresent();
  }

  String sha256(String key) {
    try (var in =
        new DigestInputStream(
            store.open(StoreLayout.MODELS, key), MessageDigest.getInstance("SHA-256"))) {
      in.transferTo(java.io.OutputStream.nullOutputStream());
      return Sha256.of(in.getMessageDigest().digest()).hex();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
