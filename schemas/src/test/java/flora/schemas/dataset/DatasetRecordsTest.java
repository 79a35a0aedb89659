package flora.schemas.dataset;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.label.LabelEvent;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class DatasetRecordsTest {

  private static final Sha256 DIGEST = Sha256.sum(new byte[] {1});

  /** A version is named by the digest of its manifest: the same pictures stay the same version. */
  @Test
  void aPictureWithoutAClassIsWrittenAsItAlwaysWas() {
    var image = new DatasetManifest.Image("a.png", DIGEST, 1, 2, 3, "a", "user");

    assertThat(text(new CaptionRow("a.png", "a")))
        .isEqualTo("{\"file_name\":\"a.png\",\"text\":\"a\"}");
    assertThat(text(image)).endsWith("\"text\":\"a\",\"caption_source\":\"user\"}");
    assertThat(Json.read(Json.bytes(image), DatasetManifest.Image.class)).isEqualTo(image);
  }

  @Test
  void whatNamedAVersionBeforeSaysNothingOfItsListing() {
    var latest = new DatasetLatest("x", DIGEST, new ObjectRef("b", "k", 1, DIGEST));

    assertThat(text(latest)).doesNotContain("listed_at");
    assertThat(Json.read(Json.bytes(latest), DatasetLatest.class).listedAt()).isNull();
  }

  @Test
  void aCompletedEventOfBeforeIsStillRead() {
    var json =
        """
        {"type":"completed","run_id":"run_01KDWQ3V00ABCDEFGHJKMNPQRS","attempt":1,"seq":5,
        "at":"2026-01-01T12:05:00Z","dataset":"x","version":"%1$s","rows":1,"rejected":0,
        "manifest":{"bucket":"b","key":"k","size":1,"sha256":"%1$s"}}
        """
            .formatted(DIGEST);

    var event =
        (LabelEvent.Completed) Json.read(json.getBytes(StandardCharsets.UTF_8), LabelEvent.class);

    assertThat(event.version()).isEqualTo(DIGEST);
    assertThat(event.report()).isNull();
    assertThat(event.warnings()).isNull();
  }

  @Test
  void aListingDependsOnEveryPartOfEveryFileAndOnNothingElse() {
    assertThat(listing("a", 1, "\"e\"")).isEqualTo(listing("a", 1, "e"));
    assertThat(listing("a", 1, "e"))
        .isNotEqualTo(listing("b", 1, "e"))
        .isNotEqualTo(listing("a", 2, "e"))
        .isNotEqualTo(listing("a", 1, "f"))
        .isNotEqualTo(new DatasetListing().finish());
  }

  @Test
  void noNameOfAPictureLeavesTheFolderOfEdits() {
    assertThat(StoreLayout.captionEdit("x", "../../latest.json"))
        .matches("datasets/x/captions/[0-9a-f]{64}\\.json");
    var run = new RunId("run_01KDWQ3V00ABCDEFGHJKMNPQRS");
    assertThat(StoreLayout.labelShardClaim(run, 3))
        .isEqualTo("runs/run_01KDWQ3V00ABCDEFGHJKMNPQRS/label/shards/3/claim.json")
        .startsWith(StoreLayout.labelShards(run));
  }

  private static Sha256 listing(String key, long size, String etag) {
    var listing = new DatasetListing();
    listing.add(key, size, etag);
    return listing.finish();
  }

  private static String text(Object value) {
    return new String(Json.bytes(value), StandardCharsets.UTF_8);
  }
}
