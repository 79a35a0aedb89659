package flora.hub.archive;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.HubFile;
import flora.hub.RefSeen;
import flora.hub.RepoType;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What the name of an uploaded model stands for. */
class OwnModelsTest {

  private static final Instant NOW = Instant.parse("2030-01-01T00:00:00Z");
  private static final Clock CLOCK = Clock.fixed(NOW, ZoneOffset.UTC);
  private static final RepoId NAME = new RepoId("mine");

  private final ObjectStore store = new MemoryObjectStore(CLOCK);
  private final Archive archive = new Archive(store);
  private final OwnModels models = new OwnModels(store, CLOCK);

  OwnModelsTest() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private String publish(String content) throws InterruptedException {
    var bytes = content.getBytes(StandardCharsets.UTF_8);
    var digest = Sha256.sum(bytes);
    archive.put(StoreLayout.MODELS, digest, bytes);
    var verified = new Verified(digest, bytes.length, OwnModels.UPLOADED, OwnModels.UPLOADED, NOW);
    archive.mark(StoreLayout.MODELS, new HubFile("a.json", bytes.length, null, digest), verified);
    return models.publish(NAME, Map.of("a.json", verified)).commit();
  }

  private String main() {
    return models.find(NAME, "main").orElseThrow().commit();
  }

  @Test
  void mainMovesOnFromWhatABundleBroughtLater() throws Exception {
    var first = publish("1");
    var second = publish("2");
    var manifest = archive.manifest(RepoType.MODEL, NAME, first).orElseThrow();
    // its list was asked for on a machine whose clock is ahead
    archive.adopt(
        RepoType.MODEL,
        "main",
        manifest,
        new RefSeen(
            NOW.plusSeconds(60),
            store
                .read(StoreLayout.MODELS, StoreLayout.ref(StoreLayout.modelFolder(NAME), "main"))
                .orElseThrow()
                .etag()));
    assertThat(main()).isEqualTo(first);

    assertThat(publish("2")).isEqualTo(second);

    assertThat(main()).isEqualTo(second);
    assertThat(models.find(NAME, first)).isPresent();
  }
}
