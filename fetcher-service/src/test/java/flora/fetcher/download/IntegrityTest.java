package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.embedded.EmbeddedS3;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Throttle;
import flora.fakehub.When;
import flora.fetcher.Stores;
import flora.schemas.Json;
import flora.schemas.store.StoreLayout;
import flora.store.UploadedPart;
import flora.store.s3.S3ObjectStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class IntegrityTest {

  private static final String FILE = "model.safetensors";
  private static final long PART = DownloadSettings.PART;
  private static final long SIZE = 3 * PART + 1234;

  @TempDir static Path folder;

  private static EmbeddedS3 server;
  private static S3ObjectStore store;

  private final byte[] bytes = new byte[(int) SIZE];
  private final Rig.Told told = new Rig.Told();
  private Rig rig;

  @BeforeAll
  static void start() throws IOException {
    server = EmbeddedS3.start(EmbeddedS3.Options.on(folder));
    store = Stores.connect(server);
  }

  @AfterAll
  static void stop() throws IOException {
    store.close();
    server.close();
  }

  @AfterEach
  void nothingIsLeftOpen() {
    assertThat(rig.openUploads()).isZero();
    assertThat(rig.keys(StoreLayout.UPLOADS)).isEmpty();
    rig.close();
  }

  /** A hub and its mirrors with one file that no other test has. */
  private void rig(int mirrors) {
    new Random(System.nanoTime()).nextBytes(bytes);
    rig = new Rig(store, FakeRepo.model("flora/large").file(FILE, bytes), mirrors);
  }

  private void isRight() {
    assertThat(rig.isMarked(FILE)).isTrue();
    assertThat(rig.stored(FILE)).isEqualTo(rig.digest(FILE));
  }

  private static Throttle slow() {
    return Throttle.NONE.link(48 << 20);
  }

  @Test
  void replacesWhatALyingMirrorGaveAndBlamesItAlone() throws Exception {
    rig(1);
    rig.hub(0).throttle(slow());
    rig.hub(1).throttle(slow()).fault(FILE, When.always(), new Fault.WrongBytes(1 << 20));

    rig.fetch(told);

    isRight();
    assertThat(told.liars).containsExactly("m1");
    assertThat(told.verified).singleElement().matches(v -> v.source().equals(Rig.HUB));
    assertThat(told.progress.getLast().done()).isEqualTo(SIZE);
  }

  @Test
  void findsTheLiarsAmongFour() throws Exception {
    rig(3);
    rig.hubs.forEach(hub -> hub.throttle(slow()));
    rig.hub(0).fault(FILE, When.always(), new Fault.WrongByte(SIZE - 1));
    rig.hub(2).fault(FILE, When.always(), new Fault.WrongBytes(1 << 20));

    rig.fetch(told);

    isRight();
    assertThat(List.of(Rig.HUB, "m2")).containsAll(told.liars);
    assertThat(told.liars).doesNotHaveDuplicates();
  }

  @Test
  void findsTheLiarOfAFileThatSeveralGaveTogether() throws Exception {
    new Random(System.nanoTime()).nextBytes(bytes);
    var whole = Arrays.copyOf(bytes, (int) PART - 1);
    rig = new Rig(store, FakeRepo.model("flora/small").file(FILE, whole), 1);
    rig.hub(0).throttle(Throttle.NONE.link(4 << 20));
    rig.hub(1)
        .throttle(Throttle.NONE.link(4 << 20))
        .fault(FILE, When.always(), new Fault.WrongBytes(100_000));

    rig.fetch(told);

    isRight();
    assertThat(told.liars).isSubsetOf("m1");
    assertThat(told.verified).singleElement().matches(v -> v.source().equals(Rig.HUB));
  }

  @Test
  void startsOverOnceWhereThereIsNobodyElse() throws Exception {
    rig(0);
    // the file has four parts: as many answers at least before it is known to be wrong
    rig.hub(0).fault(FILE, new Fault.WrongBytes(1000), 4);

    rig.fetch(told);

    isRight();
    assertThat(told.liars).containsExactly(Rig.HUB);
    assertThat(told.received()).isEqualTo(2 * SIZE);
    assertThat(told.progress.getLast().done()).isEqualTo(SIZE);
  }

  @Test
  void givesUpOnTheOnlySourceAfterTwice() {
    rig(0);
    rig.hub(0).fault(FILE, When.always(), new Fault.WrongByte(PART + 7));

    assertThatThrownBy(() -> rig.fetch(told))
        .isInstanceOf(TransferException.ChecksumMismatch.class)
        .hasMessageContaining(FILE)
        .hasMessageContaining(Rig.HUB)
        .hasMessageContaining(rig.digest(FILE).hex());
    assertThat(told.liars).containsExactly(Rig.HUB);
    assertThat(told.received()).isEqualTo(2 * SIZE);
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(rig.digest(FILE)))).isEmpty();
    assertThat(rig.isMarked(FILE)).isFalse();
  }

  @Test
  void neverBlamesASourceThatCannotBeReplacedByADeadOne() throws Exception {
    rig(1);
    rig.hub(0).throttle(slow());
    rig.hub(1).throttle(slow()).fault(FILE, new Fault.WrongBytes(1000), 1);
    rig.hub(1).fault(FILE, When.always(), new Fault.Cut(3_000_000));

    rig.fetch(told);

    isRight();
    assertThat(told.liars).doesNotContain(Rig.HUB);
  }

  @Test
  void fetchesNothingOfWhatLiesJoinedWithoutItsMarker() throws Exception {
    rig(0);
    put(bytes);

    rig.fetch(told);

    isRight();
    assertThat(told.received()).isZero();
  }

  @Test
  void doesNotTrustWhatLiesJoinedWithoutItsMarker() throws Exception {
    rig(0);
    var other = bytes.clone();
    other[99]++;
    put(other);

    rig.fetch(told);

    isRight();
    assertThat(told.received()).isEqualTo(SIZE);
    assertThat(told.liars).isEmpty();
  }

  private void put(byte[] object) {
    var key = StoreLayout.blob(rig.digest(FILE));
    try (var upload = store.startMultipart(StoreLayout.MODELS, key, "application/octet-stream")) {
      upload.part(1, object, object.length);
      upload.complete();
    }
  }

  @Test
  void goesOnWithTheStoredPartsOfAnotherInstance() throws Exception {
    rig(1);
    leave(true);

    rig.fetch(told);

    isRight();
    assertThat(told.received()).isEqualTo(SIZE - 2 * PART);
    assertThat(told.liars).isEmpty();
  }

  @Test
  void replacesOnlyThePartThatTheStoreGivesBackOtherThanItCame() throws Exception {
    rig(0);
    leave(false);

    rig.fetch(told);

    isRight();
    // the rest, and the first part once more
    assertThat(told.received()).isEqualTo(SIZE - PART);
    assertThat(told.liars).isEmpty();
  }

  /** What an instance leaves that has stored two parts; the first may have been damaged since. */
  private void leave(boolean isIntact) {
    var key = StoreLayout.blob(rig.digest(FILE));
    var upload = store.startMultipart(StoreLayout.MODELS, key, "application/octet-stream");
    var first = Arrays.copyOfRange(bytes, 0, (int) PART);
    long crc = crc(first);
    if (!isIntact) {
      first[17]++;
    }
    var one = upload.part(1, first, first.length);
    var second = Arrays.copyOfRange(bytes, (int) PART, (int) (2 * PART));
    var two = upload.part(2, second, second.length);
    var state =
        new UploadState(
            upload.uploadId(),
            SIZE,
            (int) PART,
            1,
            "",
            java.time.Instant.EPOCH,
            List.of(stored(one, crc), stored(two, crc(second))));
    var stateKey = StoreLayout.upload(rig.digest(FILE).hex());
    store.put(StoreLayout.MODELS, stateKey, Json.bytes(state), "application/json");
  }

  private static UploadState.StoredPart stored(UploadedPart part, long crc) {
    return new UploadState.StoredPart(
        part.number(), part.etag(), part.size(), crc, List.of(Rig.HUB));
  }

  private static long crc(byte[] part) {
    var crc = new java.util.zip.CRC32C();
    crc.update(part);
    return crc.getValue();
  }
}
