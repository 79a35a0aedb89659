package flora.store;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import flora.schemas.Sha256;
import java.io.ByteArrayInputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What every object store does alike. */
public abstract class ObjectStoreContract {

  private static final String BUCKET = "flora-contract";
  private static final String TYPE = "application/json";
  private static final int MIB = 1 << 20;

  /** The store under test; may be the same for all tests of a class. */
  protected abstract ObjectStore store();

  private String folder = "";

  @BeforeEach
  void makeAFolderOfItsOwn() {
    store().ensureBucket(BUCKET);
    store().ensureBucket(BUCKET);
    folder = "t" + System.nanoTime() + "/";
  }

  @Test
  void readsWhatWasPut() {
    var key = folder + "a b+ü%/漢字.json";
    var etag = store().put(BUCKET, key, bytes("one"), TYPE);

    var stored = store().read(BUCKET, key).orElseThrow();
    var head = store().head(BUCKET, key).orElseThrow();

    assertThat(stored.bytes()).isEqualTo(bytes("one"));
    assertThat(stored.etag()).isEqualTo(etag);
    assertThat(head.etag()).isEqualTo(etag);
    assertThat(head.size()).isEqualTo(3);
    assertThat(store().put(BUCKET, key, bytes("two"), TYPE)).isNotEqualTo(etag);
    try (var listed = store().list(BUCKET, folder)) {
      assertThat(listed.map(ObjectInfo::key)).containsExactly(key);
    }
  }

  @Test
  void saysWhenThereIsNothing() {
    var key = folder + "nothing";

    assertThat(store().head(BUCKET, key)).isEmpty();
    assertThat(store().read(BUCKET, key)).isEmpty();
    assertThatThrownBy(() -> store().open(BUCKET, key))
        .isInstanceOf(ObjectStoreException.NotFound.class)
        .hasMessageContaining(key);
    assertThatThrownBy(() -> store().copy(BUCKET, key, BUCKET, key + "2"))
        .isInstanceOf(ObjectStoreException.NotFound.class);
    store().delete(BUCKET, key);
    try (var listed = store().list(BUCKET, folder)) {
      assertThat(listed).isEmpty();
    }
  }

  @Test
  void putsOnlyWhereNothingLies() {
    var key = folder + "once";

    assertThat(store().putIfAbsent(BUCKET, key, bytes("first"), TYPE)).isPresent();
    assertThat(store().putIfAbsent(BUCKET, key, bytes("second"), TYPE)).isEmpty();

    assertThat(store().read(BUCKET, key).orElseThrow().bytes()).isEqualTo(bytes("first"));
  }

  @Test
  void replacesOnlyWhatHasNotChanged() {
    var key = folder + "state";
    var first = store().put(BUCKET, key, bytes("1"), TYPE);

    var second = store().putIfMatch(BUCKET, key, bytes("2"), TYPE, first).orElseThrow();

    assertThat(store().putIfMatch(BUCKET, key, bytes("x"), TYPE, first)).isEmpty();
    assertThat(store().putIfMatch(BUCKET, key, bytes("3"), TYPE, second)).isPresent();
    assertThat(store().read(BUCKET, key).orElseThrow().bytes()).isEqualTo(bytes("3"));
    assertThat(store().putIfMatch(BUCKET, folder + "none", bytes("x"), TYPE, second)).isEmpty();
  }

  @Test
  void lets16RacersHaveOneWinner() throws Exception {
    for (int round = 0; round < 5; round++) {
      var absent = folder + "absent" + round;
      var match = folder + "match" + round;
      var etag = store().put(BUCKET, match, bytes("0"), TYPE);

      assertThat(race(i -> store().putIfAbsent(BUCKET, absent, bytes("racer"), TYPE).isPresent()))
          .isEqualTo(1);
      assertThat(
              race(i -> store().putIfMatch(BUCKET, match, bytes("r" + i), TYPE, etag).isPresent()))
          .isEqualTo(1);
    }
  }

  @Test
  void readsRanges() throws Exception {
    var key = folder + "range";
    store().put(BUCKET, key, bytes("0123456789"), TYPE);

    try (var in = store().open(BUCKET, key, 3, 4)) {
      assertThat(in.readAllBytes()).isEqualTo(bytes("3456"));
    }
    try (var in = store().open(BUCKET, key, 9, 1)) {
      assertThat(in.readAllBytes()).isEqualTo(bytes("9"));
    }
    try (var in = store().open(BUCKET, key, 4, 0)) {
      assertThat(in.readAllBytes()).isEmpty();
    }
    try (var in = store().open(BUCKET, key)) {
      assertThat(in.readAllBytes()).isEqualTo(bytes("0123456789"));
    }
  }

  @Test
  void joinsPartsInTheOrderOfTheirNumbersFromSeveralThreads() throws Exception {
    var key = folder + "parts";
    var parts = List.of(random(5 * MIB, 1), random(5 * MIB, 2), random(17, 3));

    try (var upload = store().startMultipart(BUCKET, key, TYPE);
        var threads = Executors.newVirtualThreadPerTaskExecutor()) {
      var sent =
          IntStream.of(2, 0, 1)
              .mapToObj(
                  i -> threads.submit(() -> upload.part(i + 1, parts.get(i), parts.get(i).length)))
              .toList();
      for (var s : sent) {
        s.get();
      }
      assertThat(store().head(BUCKET, key)).isEmpty();
      upload.complete();
    }

    try (var in = store().open(BUCKET, key)) {
      for (var part : parts) {
        assertThat(in.readNBytes(part.length)).isEqualTo(part);
      }
      assertThat(in.read()).isEqualTo(-1);
    }
  }

  @Test
  void showsNothingOfAnUploadThatWasDropped() {
    var key = folder + "dropped";

    try (var upload = store().startMultipart(BUCKET, key, TYPE)) {
      upload.part(1, random(5 * MIB, 1), 5 * MIB);
    }

    assertThat(store().head(BUCKET, key)).isEmpty();
    try (var listed = store().list(BUCKET, folder)) {
      assertThat(listed).isEmpty();
    }
  }

  @Test
  void goesOnWithAnUploadThatAnotherBegan() throws Exception {
    var key = folder + "resumed";
    var first = random(5 * MIB, 1);
    var again = random(5 * MIB, 2);
    var last = random(1000, 3);
    var begun = store().startMultipart(BUCKET, key, TYPE);
    begun.part(1, random(5 * MIB, 9), 5 * MIB);
    var one = begun.part(1, first, first.length);
    begun.part(3, last, last.length);

    var other = store().resumeMultipart(BUCKET, key, begun.uploadId());
    assertThat(other.parts())
        .extracting(UploadedPart::number, UploadedPart::size)
        .containsExactly(tuple(1, 5L * MIB), tuple(3, 1000L));
    assertThat(other.parts().getFirst()).isEqualTo(one);
    var two = other.part(2, again, again.length);
    assertThat(other.parts()).hasSize(3).contains(two);
    other.complete(other.parts());

    try (var in = store().open(BUCKET, key)) {
      assertThat(in.readNBytes(first.length)).isEqualTo(first);
      assertThat(in.readNBytes(again.length)).isEqualTo(again);
      assertThat(in.readAllBytes()).isEqualTo(last);
    }
    assertThat(other.parts()).isEmpty();
    assertThatThrownBy(() -> other.complete(List.of(two)))
        .isInstanceOfAny(ObjectStoreException.NotFound.class, ObjectStoreException.Rejected.class);
  }

  /** Who joins names what was stored: a part that somebody wrote over in between is not joined. */
  @Test
  void doesNotJoinAPartThatIsNotTheOneThatWasNamed() {
    var key = folder + "overwritten";
    try (var upload = store().startMultipart(BUCKET, key, TYPE)) {
      var named = upload.part(1, random(5 * MIB, 1), 5 * MIB);
      var other = upload.part(1, random(5 * MIB, 2), 5 * MIB);

      assertThatThrownBy(() -> upload.complete(List.of(named)))
          .isInstanceOf(ObjectStoreException.Rejected.class);

      assertThat(store().head(BUCKET, key)).isEmpty();
      assertThat(upload.parts()).containsExactly(other);
    }
  }

  @Test
  void listsUploadsThatAreOpen() {
    var one = store().startMultipart(BUCKET, folder + "x/one", TYPE);
    var two = store().startMultipart(BUCKET, folder + "x/two ü", TYPE);
    var elsewhere = store().startMultipart(BUCKET, folder + "y/three", TYPE);

    try (var open = store().openUploads(BUCKET, folder + "x/")) {
      assertThat(open)
          .extracting(OpenUpload::key, OpenUpload::uploadId)
          .containsExactly(
              tuple(folder + "x/one", one.uploadId()), tuple(folder + "x/two ü", two.uploadId()));
    }
    one.abort();
    one.abort();
    two.close();
    store().resumeMultipart(BUCKET, folder + "y/three", elsewhere.uploadId()).abort();
    try (var open = store().openUploads(BUCKET, folder)) {
      assertThat(open).isEmpty();
    }
  }

  @Test
  void uploadsStreamsOfAnySizeWithTheirDigest() throws Exception {
    for (int size :
        new int[] {0, 1, 70_000, ObjectStore.PART_SIZE, 2 * ObjectStore.PART_SIZE + 5}) {
      var content = random(size, size);
      var key = folder + "stream-" + size;
      var told = new long[1];

      var ref =
          DigestingUpload.of(
              store(), BUCKET, key, TYPE, new ByteArrayInputStream(content), n -> told[0] = n);

      assertThat(ref.size()).isEqualTo(size);
      assertThat(ref.sha256()).isEqualTo(digest(content));
      assertThat(told[0]).isEqualTo(size);
      try (var in = store().open(BUCKET, key)) {
        assertThat(Arrays.equals(in.readAllBytes(), content)).isTrue();
      }
    }
  }

  @Test
  void forgetsAStreamThatIsNotCompleted() {
    var key = folder + "abandoned";

    try (var upload = DigestingUpload.start(store(), BUCKET, key, TYPE)) {
      upload.write(random(ObjectStore.PART_SIZE + 1, 7), 0, ObjectStore.PART_SIZE + 1);
    }

    assertThat(store().head(BUCKET, key)).isEmpty();
  }

  @Test
  void uploadsAFile(@TempDir Path disk) throws Exception {
    var file = Files.write(disk.resolve("f"), random(100_000, 4));

    var ref = store().upload(BUCKET, folder + "file", file, TYPE);

    assertThat(ref.sha256()).isEqualTo(digest(Files.readAllBytes(file)));
    assertThat(store().read(BUCKET, folder + "file").orElseThrow().bytes())
        .isEqualTo(Files.readAllBytes(file));
  }

  @Test
  void listsInKeyOrderBelowAPrefix() {
    var keys = List.of("a-1", "a.x", "a/1", "a/b/2", "a0", "b");
    keys.reversed().forEach(k -> store().put(BUCKET, folder + k, bytes(k), TYPE));

    assertThat(keys(folder)).isEqualTo(keys.stream().map(k -> folder + k).toList());
    assertThat(keys(folder + "a/")).containsExactly(folder + "a/1", folder + "a/b/2");
    assertThat(keys(folder + "a/b/2")).containsExactly(folder + "a/b/2");
  }

  @Test
  void listsMoreThanOnePage() throws Exception {
    try (var threads = Executors.newFixedThreadPool(16)) {
      var puts =
          IntStream.range(0, 1005)
              .mapToObj(i -> folder + "many/%04d".formatted(i))
              .<Callable<String>>map(k -> () -> store().put(BUCKET, k, bytes(k), TYPE))
              .toList();
      for (var put : threads.invokeAll(puts)) {
        put.get();
      }
    }

    assertThat(keys(folder + "many/")).hasSize(1005).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void copiesAndDeletes() {
    store().put(BUCKET, folder + "from", bytes("x"), TYPE);

    store().copy(BUCKET, folder + "from", BUCKET, folder + "to");
    store().delete(BUCKET, folder + "from");

    assertThat(store().read(BUCKET, folder + "from")).isEmpty();
    assertThat(store().read(BUCKET, folder + "to").orElseThrow().bytes()).isEqualTo(bytes("x"));
  }

  @Test
  void givesLinksThatDoNotLiveLong() {
    store().put(BUCKET, folder + "linked", bytes("x"), TYPE);

    assertThat(store().presignGet(BUCKET, folder + "linked", Duration.ofMinutes(15))).isNotNull();
    assertThatThrownBy(() -> store().presignGet(BUCKET, folder + "linked", Duration.ofMinutes(16)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void hasAllThatLeasesNeed() {
    StoreProbe.check(store(), BUCKET, "token");

    assertThat(keys(".probe/")).isEmpty();
  }

  private List<String> keys(String prefix) {
    try (var listed = store().list(BUCKET, prefix)) {
      return listed.map(ObjectInfo::key).toList();
    }
  }

  private interface Racer {
    boolean wins(int number) throws Exception;
  }

  private static long race(Racer racer) throws Exception {
    try (var threads = Executors.newFixedThreadPool(16)) {
      var racers = new ArrayList<Callable<Boolean>>();
      for (int i = 0; i < 16; i++) {
        int number = i;
        racers.add(() -> racer.wins(number));
      }
      long winners = 0;
      for (var result : threads.invokeAll(racers)) {
        winners += result.get() ? 1 : 0;
      }
      return winners;
    }
  }

  static byte[] bytes(String text) {
    return text.getBytes(UTF_8);
  }

  static byte[] random(int size, long seed) {
    var bytes = new byte[size];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  static Sha256 digest(byte[] bytes) throws Exception {
    return Sha256.of(MessageDigest.getInstance("SHA-256").digest(bytes));
  }
}
