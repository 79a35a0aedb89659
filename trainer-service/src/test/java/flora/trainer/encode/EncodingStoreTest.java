package flora.trainer.encode;

import static org.assertj.core.api.Assertions.assertThat;

import flora.models.image.TrainingTransform.Cut;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneId;
import java.time.ZoneOffset;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EncodingStoreTest {

  private static final List<Long> SHAPE = List.of(2L, 3L);
  private static final float[] VALUES = {1, -2, 3.5f, Float.MIN_VALUE, 0, 7};
  private static final Sha256 DIGEST = Sha256.sum(new byte[] {1});

  @TempDir Path scratch;

  /** Every look at it is a second later. */
  private final MemoryObjectStore objects =
      new MemoryObjectStore(
          new Clock() {
            private Instant now = Instant.EPOCH;

            @Override
            public Instant instant() {
              now = now.plus(Duration.ofSeconds(1));
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
          });

  @BeforeEach
  void bucket() {
    objects.ensureBucket(StoreLayout.DATASETS);
  }

  @Test
  void anotherRunFindsWhatOneHasPut() {
    put(1 << 20, "a");

    var found = open(1 << 20).find(text("a"), SHAPE);

    assertThat(found).hasValueSatisfying(values -> assertThat(values).containsExactly(VALUES));
    assertThat(scratch).isEmptyDirectory();
  }

  @Test
  void whatIsNotThereOrOfAnotherShapeIsNotFound() {
    put(1 << 20, "a");

    assertThat(open(1 << 20).find(text("b"), SHAPE)).isEmpty();
    assertThat(open(1 << 20).find(text("a"), List.of(3L, 2L))).isEmpty();
  }

  @Test
  void whatIsDamagedIsReplaced() {
    put(1 << 20, "a");
    var key = StoreLayout.encoding(text("a").digest());
    var bytes = objects.read(StoreLayout.DATASETS, key).orElseThrow().bytes().clone();
    bytes[bytes.length - 3] ^= 1;
    objects.put(StoreLayout.DATASETS, key, bytes, "");

    assertThat(open(1 << 20).find(text("a"), SHAPE)).isEmpty();
    objects.put(StoreLayout.DATASETS, key, new byte[] {1, 2, 3}, "");
    assertThat(open(1 << 20).find(text("a"), SHAPE)).isEmpty();

    put(1 << 20, "a");
    assertThat(open(1 << 20).find(text("a"), SHAPE)).isPresent();
  }

  @Test
  void takesNoMoreRoomThanItMay() {
    put(1 << 20, "size");
    long size = sizes().getFirst();

    put(5 * size, "a", "b", "c", "d", "e", "f", "g");

    assertThat(sizes()).hasSize(5);
    assertThat(open(5 * size).find(text("size"), SHAPE)).isPresent();
    assertThat(open(5 * size).find(text("d"), SHAPE)).isPresent();
    assertThat(open(5 * size).find(text("e"), SHAPE)).isEmpty();
  }

  @Test
  void theOldestMakeRoomForALaterRun() {
    put(1 << 20, "a", "b", "c", "d");
    long size = sizes().getFirst();

    put(4 * size, "e", "f");

    assertThat(sizes()).hasSize(4);
    var store = open(4 * size);
    assertThat(store.find(text("a"), SHAPE)).isEmpty();
    assertThat(store.find(text("b"), SHAPE)).isPresent();
    assertThat(store.find(text("e"), SHAPE)).isPresent();
  }

  @Test
  void keepsNothingWithoutRoom() {
    put(0, "a");

    assertThat(sizes()).isEmpty();
    assertThat(open(0).find(text("a"), SHAPE)).isEmpty();
  }

  @Test
  void aKeyIsAnotherOneWheneverAnythingDiffers() {
    var network = networks("vae");
    var cut = new Cut(90, 64, 3, 0, 64, 64, false);
    var keys = new HashSet<Sha256>();
    for (var key :
        List.of(
            new EncodingKey.View(DIGEST, cut, network, "cpu", 1),
            new EncodingKey.View(Sha256.sum(new byte[0]), cut, network, "cpu", 1),
            new EncodingKey.View(DIGEST, new Cut(90, 64, 3, 0, 64, 64, true), network, "cpu", 1),
            new EncodingKey.View(DIGEST, new Cut(90, 64, 4, 0, 64, 64, false), network, "cpu", 1),
            new EncodingKey.View(DIGEST, cut, networks("other"), "cpu", 1),
            new EncodingKey.View(DIGEST, cut, network, "another cpu", 1),
            new EncodingKey.View(DIGEST, cut, network, "cpu", 2),
            new EncodingKey.Text("a", 1, 1, network, "cpu", 1),
            new EncodingKey.Text("a", 2, 1, network, "cpu", 1),
            new EncodingKey.Text("a", 1, 2, network, "cpu", 1),
            new EncodingKey.Text("", 1, 1, network, "cpu", 1))) {
      assertThat(keys.add(key.digest())).isTrue();
    }
  }

  @Test
  void aPartsFilesAreThoseOfItsOwnRepository() {
    var base = Map.of("base_model/vae/a", DIGEST, "base_model/unet/b", DIGEST);
    var both = new TreeMap<>(base);
    both.put("vae/c", DIGEST);

    assertThat(EncodingKey.files(base, "vae", "vae")).containsOnlyKeys("a");
    assertThat(EncodingKey.files(both, "vae", "vae")).containsOnlyKeys("c");
    assertThat(EncodingKey.files(Map.of("base_model/all", DIGEST), "vae", "vae"))
        .containsOnlyKeys("base_model/all");
  }

  private void put(long capacity, String... texts) {
    try (var store = open(capacity)) {
      for (var text : texts) {
        store.put(text(text), SHAPE, VALUES);
      }
    }
  }

  private EncodingStore open(long capacity) {
    return new EncodingStore(objects, scratch, capacity);
  }

  private List<Long> sizes() {
    try (var all = objects.list(StoreLayout.DATASETS, StoreLayout.ENCODINGS)) {
      return all.map(ObjectInfo::size).toList();
    }
  }

  private static EncodingKey text(String text) {
    return new EncodingKey.Text(text, 1, 1, networks("text"), "cpu", 1);
  }

  private static SortedMap<String, Sha256> networks(String name) {
    return new TreeMap<>(Map.of(name, DIGEST));
  }
}
