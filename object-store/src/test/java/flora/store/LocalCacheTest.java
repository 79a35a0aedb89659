package flora.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LocalCacheTest {

  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  @TempDir Path folder;
  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());

  @BeforeEach
  void makeABucket() {
    store.ensureBucket("b");
  }

  @Test
  void copiesOnceAndChecksTheDigest() throws Exception {
    var ref = put("k", 1000);
    var cache = cache(NOON, 10_000);

    var file = cache.file(ref);
    store.delete("b", "k");

    assertThat(file).hasBinaryContent(ObjectStoreContract.random(1000, 1000));
    assertThat(cache.file(ref)).isEqualTo(file);
  }

  @Test
  void refusesBytesWithAnotherDigestAndLeavesNothing() throws Exception {
    var ref = put("k", 1000);
    var lie = new ObjectRef("b", "k", 1000, new Sha256("0".repeat(64)));

    assertThatThrownBy(() -> cache(NOON, 10_000).file(lie))
        .isInstanceOf(ObjectStoreException.Corrupt.class)
        .hasMessageContaining(ref.sha256().hex());
    try (var left = Files.walk(folder)) {
      assertThat(left.filter(Files::isRegularFile)).isEmpty();
    }
  }

  @Test
  void fetchesAgainWhatWasCutShort() throws Exception {
    var ref = put("k", 1000);
    var file = cache(NOON, 10_000).file(ref);
    Files.write(file, new byte[10]);

    assertThat(cache(NOON, 10_000).file(ref))
        .hasBinaryContent(ObjectStoreContract.random(1000, 1000));
  }

  @Test
  void dropsTheOldestButNothingUsedWithinTheHour() throws Exception {
    var oldest = cache(NOON, 2500).file(put("oldest", 1000));
    var older = cache(NOON.plusSeconds(60), 2500).file(put("older", 1001));

    var young = cache(NOON.plus(Duration.ofHours(2)), 2500).file(put("young", 1002));
    var younger = cache(NOON.plus(Duration.ofHours(2)), 2500).file(put("younger", 1003));
    var youngest = cache(NOON.plus(Duration.ofHours(2)), 2500).file(put("youngest", 1004));

    assertThat(oldest).doesNotExist();
    assertThat(older).doesNotExist();
    assertThat(young).exists();
    assertThat(younger).exists();
    assertThat(youngest).exists();
  }

  @Test
  void handsOutTheStoresOwnFileWhenItHasTheRightSize() throws Exception {
    var ref = put("k", 1000);
    var objects = Files.createDirectories(folder.resolve("objects/b")).getParent();
    var own = Files.write(objects.resolve("b/k"), ObjectStoreContract.random(1000, 1000));
    var cache = new LocalCache(store, LocalFiles.in(objects), folder.resolve("c"), 10_000);

    assertThat(cache.file(ref)).isEqualTo(own);
    Files.write(own, new byte[3]);
    assertThat(cache.file(ref)).isNotEqualTo(own).hasSize(1000);
  }

  private LocalCache cache(Instant now, long maxBytes) {
    return new LocalCache(
        store, LocalFiles.none(), folder.resolve("c"), maxBytes, Clock.fixed(now, ZoneOffset.UTC));
  }

  private ObjectRef put(String key, int size) throws Exception {
    var bytes = ObjectStoreContract.random(size, size);
    store.put("b", key, bytes, "application/octet-stream");
    return new ObjectRef("b", key, size, ObjectStoreContract.digest(bytes));
  }
}
