package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fetcher.download.UploadState.StoredPart;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.time.ZoneOffset;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LeftOversTest {

  private static final Sha256 DIGEST = Sha256.sum(new byte[] {1, 2, 3});

  private final AtomicReference<Instant> now =
      new AtomicReference<>(Instant.parse("2026-01-01T00:00:00Z"));
  private final Clock clock = ((InstantSource) now::get).withZone(ZoneOffset.UTC);
  private final MemoryObjectStore store = new MemoryObjectStore(clock);
  private final LeftOvers leftOvers = new LeftOvers(store, DownloadSettings.DEFAULT, clock);

  @BeforeEach
  void start() {
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  private ObjectStore.Multipart upload(String bucket, String key) {
    var upload = store.startMultipart(bucket, key, "application/octet-stream");
    upload.part(1, new byte[9], 9);
    return upload;
  }

  private void state(String bucket, ObjectStore.Multipart upload, Instant expires) {
    var state =
        new UploadState(
            upload.uploadId(),
            9,
            9,
            1,
            "x",
            expires,
            List.of(new StoredPart(1, "", 9, 1, List.of())));
    store.put(bucket, StoreLayout.upload(DIGEST.hex()), Json.bytes(state), "application/json");
  }

  private long open(String bucket) {
    try (var uploads = store.openUploads(bucket, "")) {
      return uploads.count();
    }
  }

  private void pass(Duration time) {
    now.updateAndGet(t -> t.plus(time));
  }

  @ParameterizedTest
  @ValueSource(strings = {StoreLayout.MODELS, StoreLayout.DATASETS})
  void removesWhatNobodyHasGoneOnWithForDays(String bucket) {
    state(bucket, upload(bucket, StoreLayout.blob(DIGEST)), now.get());
    upload(bucket, StoreLayout.blob(Sha256.sum(new byte[0])));
    store.put(bucket, StoreLayout.staged("0".repeat(40)), new byte[3], "");
    pass(Duration.ofDays(6));
    assertThat(leftOvers.sweep()).isZero();

    pass(Duration.ofDays(2));

    assertThat(leftOvers.sweep()).isEqualTo(3);
    assertThat(open(bucket)).isZero();
    try (var all = store.list(bucket, "")) {
      assertThat(all).isEmpty();
    }
    assertThat(leftOvers.sweep()).isZero();
  }

  @Test
  void leavesAnUploadThatSomebodyStillWritesToHoweverOldItIs() {
    var upload = upload(StoreLayout.MODELS, StoreLayout.blob(DIGEST));
    pass(Duration.ofDays(30));
    state(StoreLayout.MODELS, upload, now.get().plusSeconds(60));

    assertThat(leftOvers.sweep()).isZero();

    assertThat(upload.parts()).hasSize(1);
  }

  @Test
  void leavesAStagedFileWhoseFetchIsUnderWay() {
    var id = "0".repeat(40);
    store.put(StoreLayout.MODELS, StoreLayout.staged(id), new byte[3], "");
    pass(Duration.ofDays(30));
    var state = new UploadState("u", 9, 9, 1, "x", now.get().plusSeconds(60), List.of());
    store.put(StoreLayout.MODELS, StoreLayout.upload(id), Json.bytes(state), "application/json");

    assertThat(leftOvers.sweep()).isZero();

    assertThat(store.head(StoreLayout.MODELS, StoreLayout.staged(id))).isPresent();
  }

  @Test
  void leavesUploadsThatAreNoneOfItsBusiness() {
    upload(StoreLayout.DATASETS, StoreLayout.incoming("pictures") + "a.png");
    upload(StoreLayout.RUNS, "runs/x/adapter");
    pass(Duration.ofDays(30));

    assertThat(leftOvers.sweep()).isZero();

    assertThat(open(StoreLayout.DATASETS)).isEqualTo(1);
    assertThat(open(StoreLayout.RUNS)).isEqualTo(1);
  }
}
