package flora.labeler;

import static flora.labeler.LabelerRig.COLOURS_AND_SHAPES;
import static flora.labeler.LabelerRig.resource;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which version of a dataset is the newest, and what a version is called. */
class LatestTest {

  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  @TempDir Path folder;

  @Test
  void aRunOverAnOlderListingDoesNotWin() throws Exception {
    var store = new MemoryObjectStore(Clock.systemUTC());
    var quick = new LabelerRig(store, folder, Clock.fixed(NOON, ZoneOffset.UTC));
    var slow =
        new LabelerRig(store, folder, Clock.fixed(NOON.minus(Duration.ofHours(1)), ZoneOffset.UTC));
    quick.drop("shapes", "0.png", resource("shapes/00.png"));
    slow.head();
    var newest = quick.run(COLOURS_AND_SHAPES);
    quick.drop("shapes", "1.png", resource("shapes/01.png"));

    var late = slow.run(COLOURS_AND_SHAPES);

    assertThat(late.version()).isNotEqualTo(newest.version());
    assertThat(late.warnings()).singleElement().asString().contains("is the newest");
    assertThat(slow.manifest(late).images()).hasSize(2);
    assertThat(quick.latest("shapes").orElseThrow())
        .isEqualTo(new DatasetLatest("shapes", newest.version(), newest.manifest(), NOON));
    assertThat(quick.run(COLOURS_AND_SHAPES).version()).isEqualTo(late.version());
    assertThat(quick.latest("shapes").orElseThrow().version()).isEqualTo(late.version());
  }

  @Test
  void aVersionOfWhichNobodyNotedTheTimeGivesWay() throws Exception {
    var store = new MemoryObjectStore(Clock.systemUTC());
    var rig = new LabelerRig(store, folder, Clock.fixed(NOON, ZoneOffset.UTC));
    rig.drop("shapes", "0.png", resource("shapes/00.png"));
    var digest = Sha256.sum(new byte[0]);
    store.put(
        StoreLayout.DATASETS,
        StoreLayout.datasetLatest("shapes"),
        Json.bytes(
            new DatasetLatest(
                "shapes", digest, new ObjectRef(StoreLayout.DATASETS, "datasets/x", 1, digest))),
        "application/json");

    var completed = rig.run(COLOURS_AND_SHAPES);

    assertThat(rig.latest("shapes").orElseThrow().version()).isEqualTo(completed.version());
    assertThat(completed.warnings()).isNull();
  }

  @Test
  void aManifestThatIsWrittenPieceByPieceIsWhatTheRecordWrites() throws Exception {
    var rig = new LabelerRig(new MemoryObjectStore(Clock.systemUTC()), folder);
    rig.drop("shapes", "ä\u2028\"quoted\".png", resource("shapes/00.png"))
        .drop("shapes", "𝄞.png", resource("shapes/01.png"))
        .drop("shapes", "𝄞.txt", "a \"treble\" clef 𝄞\nof two lines")
        .drop("shapes", "broken.png", "x");

    var completed = rig.run(COLOURS_AND_SHAPES);

    var written = rig.bytes(completed.manifest().key());
    assertThat(new String(Json.bytes(Json.read(written, DatasetManifest.class))))
        .isEqualTo(new String(written));
    assertThat(completed.manifest().size()).isEqualTo(written.length);
  }
}
