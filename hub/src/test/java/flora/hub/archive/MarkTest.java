package flora.hub.archive;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Two who bring the same bytes from different places. */
class MarkTest {

  private static final byte[] BYTES = "config".getBytes(StandardCharsets.UTF_8);
  private static final Sha256 DIGEST = Sha256.sum(BYTES);
  private static final HubFile FILE =
      new HubFile("config.json", BYTES.length, "0".repeat(40), null);
  private static final Verified HUB = verified("hub", Instant.EPOCH);
  private static final Verified MIRROR = verified("mirror", Instant.EPOCH.plusSeconds(1));

  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Archive archive = new Archive(store);

  MarkTest() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private static Verified verified(String source, Instant at) {
    return new Verified(DIGEST, BYTES.length, "git-sha1", source, at);
  }

  private Verified bring(Verified verified) {
    archive.put(StoreLayout.MODELS, DIGEST, BYTES);
    return archive.mark(StoreLayout.MODELS, FILE, verified);
  }

  private List<String> blobs() {
    try (var objects = store.list(StoreLayout.MODELS, "blobs/sha256/")) {
      return objects.map(ObjectInfo::key).filter(key -> !key.endsWith(".verified")).toList();
    }
  }

  @Test
  void whatWasSaidFirstStays() {
    assertThat(bring(HUB)).isEqualTo(HUB);
    assertThat(bring(MIRROR)).isEqualTo(HUB);
    assertThat(archive.find(StoreLayout.MODELS, FILE)).contains(HUB);
  }

  @Test
  void bothListTheFileInTheSameBytes() {
    var listing =
        new RepoListing(
            RepoType.MODEL, new RepoId("x/tiny"), "main", "a".repeat(40), List.of(FILE));

    var one = archive.publish(listing, Map.of(FILE, bring(HUB)));
    var other = archive.publish(listing, Map.of(FILE, bring(MIRROR)));

    assertThat(other).isEqualTo(one);
    assertThat(blobs()).containsExactlyInAnyOrder(StoreLayout.blob(DIGEST), one.key());
  }

  @Test
  void aDamagedMarkerIsWrittenAnew() {
    bring(HUB);
    var marker = StoreLayout.verified(DIGEST);
    store.put(StoreLayout.MODELS, marker, "{".getBytes(StandardCharsets.UTF_8), "");

    assertThat(bring(MIRROR)).isEqualTo(MIRROR);
    assertThat(archive.find(StoreLayout.MODELS, FILE)).contains(MIRROR);
  }
}
