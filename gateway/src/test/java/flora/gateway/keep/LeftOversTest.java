package flora.gateway.keep;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.archive.Claim;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.OpenUpload;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class LeftOversTest {

  private static final String BUCKET = StoreLayout.MODELS;
  private static final byte[] STATE =
      "{\"owner\":\"gone\",\"epoch\":3,\"expires\":\"2026-01-01T00:00:10Z\"}"
          .getBytes(StandardCharsets.US_ASCII);

  private Instant now = Instant.parse("2026-01-01T00:00:00Z");
  private final Clock clock =
      new Clock() {
        @Override
        public Instant instant() {
          return now;
        }

        @Override
        public ZoneId getZone() {
          return ZoneOffset.UTC;
        }

        @Override
        public Clock withZone(ZoneId zone) {
          return this;
        }
      };
  private final MemoryObjectStore store = new MemoryObjectStore(clock);
  private final LeftOvers leftOvers = new LeftOvers(store, clock, "test");

  @BeforeEach
  void buckets() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private static Sha256 sum(String text) {
    return Sha256.sum(text.getBytes(StandardCharsets.US_ASCII));
  }

  private void begin(String content) {
    store.startMultipart(BUCKET, StoreLayout.blob(sum(content)), "x/y").part(1, new byte[3], 3);
  }

  private void state(String content) {
    store.put(BUCKET, StoreLayout.upload(sum(content).hex()), STATE, "application/json");
  }

  private List<String> open() {
    try (var open = store.openUploads(BUCKET, "")) {
      return open.map(OpenUpload::key).toList();
    }
  }

  private void later(int days) {
    now = now.plus(Duration.ofDays(days));
  }

  @Test
  void takesPartsThatNobodyHasGoneOnWithForAWeek() {
    begin("of an import");
    begin("of a fetch");
    state("of a fetch");
    later(6);
    assertThat(leftOvers.remove()).isZero();
    assertThat(open()).hasSize(2);
    begin("young");
    later(2);

    assertThat(leftOvers.remove()).isEqualTo(2);

    assertThat(open()).containsExactly(StoreLayout.blob(sum("young")));
    assertThat(store.head(BUCKET, StoreLayout.upload(sum("of a fetch").hex()))).isEmpty();
    assertThat(store.head(BUCKET, StoreLayout.upload(sum("of an import").hex()))).isEmpty();
    assertThat(leftOvers.remove()).isZero();
  }

  @Test
  void leavesAFetchThatHasGoneOnOrIsGoingOn() {
    begin("went on");
    begin("goes on");
    later(8);
    state("went on");
    var claim =
        Claim.take(
                store,
                clock,
                BUCKET,
                StoreLayout.upload(sum("goes on").hex()),
                "fetcher",
                Duration.ofDays(30))
            .orElseThrow();

    assertThat(leftOvers.remove()).isZero();
    later(8);
    // its own words may be old when its clock is far off: what it holds it holds
    assertThat(leftOvers.remove()).isEqualTo(1);
    assertThat(open()).containsExactly(StoreLayout.blob(sum("goes on")));
    claim.release();
    assertThat(leftOvers.remove()).isEqualTo(1);
    assertThat(open()).isEmpty();
  }

  @Test
  void takesWhatWaitedForItsDigest() {
    var staged = StoreLayout.staged("a".repeat(40));
    store.put(BUCKET, staged, new byte[3], "x/y");
    store.put(BUCKET, StoreLayout.upload("a".repeat(40)), STATE, "application/json");
    store.put(BUCKET, StoreLayout.upload("b".repeat(40)), STATE, "application/json");
    store.startMultipart(BUCKET, StoreLayout.staged("c".repeat(40)), "x/y");
    later(8);
    store.put(BUCKET, "uploads/Not Ours.json", STATE, "x/y");
    later(8);

    leftOvers.remove();

    try (var left = store.list(BUCKET, StoreLayout.UPLOADS)) {
      assertThat(left.map(ObjectInfo::key)).containsExactly("uploads/Not Ours.json");
    }
    assertThat(open()).isEmpty();
  }
}
