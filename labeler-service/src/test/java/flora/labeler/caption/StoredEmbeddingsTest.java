package flora.labeler.caption;

import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectInfo;
import flora.store.memory.MemoryObjectStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoredEmbeddingsTest {

  private static final Sha256 LIST = Sha256.sum(new byte[] {1});
  private static final float[][] VECTORS = {{0.6f, 0.8f, 0}, {-1, 0, Float.MIN_VALUE}};

  @TempDir Path folder;
  private MemoryObjectStore store;
  private int computed;

  @BeforeEach
  void start() {
    store = new MemoryObjectStore(Clock.systemUTC());
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
  }

  @Test
  void theSecondWhoAsksComputesNothing() throws Exception {
    assertThat(embeddings("c1").get(LIST, 2, counting())).isDeepEqualTo(VECTORS);
    assertThat(embeddings("c1").get(LIST, 2, counting())).isDeepEqualTo(VECTORS);

    assertThat(computed).isOne();
    assertThat(onlyKey())
        .isEqualTo("label-embeddings/flora/clip/c1/" + LIST.hex() + ".safetensors");
    try (var left = Files.list(folder.resolve("scratch"))) {
      assertThat(left).isEmpty();
    }
  }

  @Test
  void anotherCommitOrListHasItsOwn() {
    embeddings("c1").get(LIST, 2, counting());
    embeddings("c2").get(LIST, 2, counting());
    embeddings("c1").get(Sha256.sum(new byte[] {2}), 2, counting());

    assertThat(computed).isEqualTo(3);
  }

  @Test
  void oneFlippedBitIsNoticedAndMended() {
    embeddings("c1").get(LIST, 2, counting());
    var bytes = store.read(StoreLayout.MODELS, onlyKey()).orElseThrow().bytes().clone();
    bytes[bytes.length - 1] ^= 1;
    store.put(StoreLayout.MODELS, onlyKey(), bytes, "application/octet-stream");

    assertThat(embeddings("c1").get(LIST, 2, counting())).isDeepEqualTo(VECTORS);
    assertThat(embeddings("c1").get(LIST, 2, counting())).isDeepEqualTo(VECTORS);
    assertThat(computed).isEqualTo(2);
  }

  @Test
  void whatIsNoTensorFileOrOfAnotherShapeIsComputedAgain() {
    embeddings("c1").get(LIST, 2, counting());
    store.put(StoreLayout.MODELS, onlyKey(), new byte[] {1, 2, 3}, "application/octet-stream");
    embeddings("c1").get(LIST, 2, counting());
    embeddings("c1").get(LIST, 3, () -> new float[][] {{1}, {2}, {3}});

    assertThat(computed).isEqualTo(2);
    assertThat(embeddings("c1").get(LIST, 3, counting())).hasDimensions(3, 1);
  }

  @Test
  void whoIsSecondByAMomentUsesWhatTheFirstHasPut() {
    var mine =
        embeddings("c1")
            .get(
                LIST,
                2,
                () -> {
                  embeddings("c1").get(LIST, 2, counting());
                  return new float[][] {{9, 9, 9}, {9, 9, 9}};
                });

    assertThat(mine).isDeepEqualTo(VECTORS);
  }

  private StoredEmbeddings embeddings(String commit) {
    return new StoredEmbeddings(store, new RepoId("flora/clip"), commit, folder.resolve("scratch"));
  }

  private Supplier<float[][]> counting() {
    return () -> {
      computed++;
      return VECTORS;
    };
  }

  private String onlyKey() {
    try (var objects = store.list(StoreLayout.MODELS, "")) {
      return objects.map(ObjectInfo::key).toList().getFirst();
    }
  }
}
