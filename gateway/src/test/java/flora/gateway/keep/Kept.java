package flora.gateway.keep;

import static org.assertj.core.api.Assertions.assertThat;

import flora.gateway.GatewayProperties;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.run.Run;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.util.unit.DataSize;

/** Commits in a store, as fetches leave them, and a cleaner of it. */
final class Kept {

  static final Instant DAY_ONE = Instant.parse("2026-01-01T00:00:00Z");
  static final Duration NONE = Duration.ZERO;

  private Kept() {}

  static Cleaner cleaner(
      ObjectStore store, List<Run> runs, Duration minAge, Clock time, Duration orphanAge) {
    var clean =
        new GatewayProperties.Clean("-", ZoneOffset.UTC, (DataSize) null, minAge, orphanAge);
    return new Cleaner(store, new LivingRuns(() -> true, () -> runs, store), time, "test", clean);
  }

  static HubFile file(String path, String content) {
    return new HubFile(path, content.length(), "0".repeat(40), sum(content));
  }

  static Sha256 sum(String content) {
    return Sha256.sum(content.getBytes(StandardCharsets.US_ASCII));
  }

  static String commit(int number) {
    return "%040x".formatted(number);
  }

  static RepoListing listing(String repo, String revision, int commit, HubFile... files) {
    return new RepoListing(
        RepoType.MODEL, new RepoId(repo), revision, commit(commit), List.of(files));
  }

  /** Does what a fetch does. */
  static ObjectRef fetch(
      ObjectStore store, String repo, String revision, int commit, String... contents) {
    var files = new LinkedHashMap<HubFile, Verified>();
    var listed = new ArrayList<HubFile>();
    for (var content : contents) {
      listed.add(file("f-" + content.charAt(0), content));
    }
    var listing = listing(repo, revision, commit, listed.toArray(HubFile[]::new));
    new Archive(store).use(listing, listed);
    for (int i = 0; i < contents.length; i++) {
      var bytes = contents[i].getBytes(StandardCharsets.US_ASCII);
      var file = listed.get(i);
      var digest = Sha256.sum(bytes);
      var verified = new Verified(digest, bytes.length, "lfs-sha256", "test", DAY_ONE);
      if (new Archive(store).find(StoreLayout.MODELS, file).isEmpty()) {
        store.put(StoreLayout.MODELS, StoreLayout.blob(digest), bytes, "x/y");
        store.put(StoreLayout.MODELS, StoreLayout.verified(digest), Json.bytes(verified), "x/y");
      }
      files.put(file, verified);
    }
    new Archive(store).use(listing, files, Map.of());
    return new Archive(store).publish(listing, files);
  }

  static boolean isThere(ObjectStore store, String repo, int commit) {
    var key = StoreLayout.modelManifest(new RepoId(repo), commit(commit));
    return store.head(StoreLayout.MODELS, key).isPresent();
  }

  static boolean isThere(ObjectStore store, String content) {
    return new Archive(store).find(StoreLayout.MODELS, file("f", content)).isPresent();
  }

  /** Every manifest names only files that are there. */
  static void assertNothingIsBroken(ObjectStore store) {
    try (var objects = store.list(StoreLayout.MODELS, "models/")) {
      objects
          .map(ObjectInfo::key)
          .filter(key -> key.endsWith("manifest.json"))
          .map(key -> store.read(StoreLayout.MODELS, key).orElseThrow().bytes())
          .flatMap(bytes -> Json.read(bytes, RepoManifest.class).files().stream())
          .forEach(
              f ->
                  assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(f.sha256())))
                      .as(f.path())
                      .isPresent());
    }
  }
}
