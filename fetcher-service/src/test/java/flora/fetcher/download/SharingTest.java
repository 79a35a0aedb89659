package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeRepo;
import flora.fakehub.Throttle;
import flora.hub.archive.Archive;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Several instances after the same file. */
class SharingTest {

  private static final String FILE = "model.safetensors";
  private static final long PART = DownloadSettings.PART;
  private static final long SIZE = 6 * PART + 77;

  private final ObjectStore store = new MemoryObjectStore(Clock.systemUTC());
  private final Rig rig = new Rig(store, FakeRepo.model("flora/shared").noise(FILE, SIZE), 0);

  @AfterEach
  void nothingIsLeft() {
    assertThat(rig.stored(FILE)).isEqualTo(rig.digest(FILE));
    assertThat(rig.isMarked(FILE)).isTrue();
    assertThat(rig.openUploads()).isZero();
    assertThat(rig.keys(StoreLayout.UPLOADS)).isEmpty();
    rig.close();
  }

  private CompletableFuture<Void> begin(ObjectStore with, Rig.Told told) {
    var downloader = new Downloader(with, Rig.SETTINGS, Clock.systemUTC());
    return CompletableFuture.runAsync(
        () -> {
          try {
            downloader.run(List.of(rig.plan()), told);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        },
        task -> Thread.ofVirtual().start(task));
  }

  private long storedParts() {
    var key = StoreLayout.upload(rig.digest(FILE).hex());
    return store
        .read(StoreLayout.MODELS, key)
        .map(stored -> UploadState.parse(stored.bytes()).storedBytes() / PART)
        .orElse(0L);
  }

  @Test
  void theSecondFollowsTheFirst() throws Exception {
    var slow =
        TamperedStore.of(
            store,
            (method, arguments) -> {
              if (method.equals("part") && (int) arguments[0] > 3) {
                Thread.sleep(2500);
              }
            });
    var first = new Rig.Told();
    var second = new Rig.Told();

    var one = begin(slow, first);
    await().until(() -> storedParts() > 0);
    var two = begin(store, second);
    one.get();
    two.get();

    assertThat(first.received()).isEqualTo(SIZE);
    assertThat(second.received()).isZero();
    assertThat(second.progress).anyMatch(p -> p.done() > 0 && p.done() < SIZE);
    assertThat(second.progress.getLast().done()).isEqualTo(SIZE);
  }

  @Test
  void whoStopsLeavesItsPartsToTheNextAtOnce() throws Exception {
    var slow =
        TamperedStore.of(
            store,
            (method, arguments) -> {
              if (method.equals("part") && (int) arguments[0] > 3) {
                Thread.sleep(2500);
              }
            });
    var first = new Rig.Told();
    var one = begin(slow, first);
    await().until(() -> storedParts() > 0);
    first.stop = true;
    assertThatThrownBy(one::get).hasMessageContaining("told to stop");
    long kept = storedParts();
    assertThat(kept).isPositive();

    var second = new Rig.Told();
    long start = System.nanoTime();
    begin(store, second).get();

    assertThat(second.received()).isLessThanOrEqualTo(SIZE - kept * PART);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  @Test
  void whoSleptTooLongNeitherPublishesNorDestroys() throws Exception {
    rig.hub(0).throttle(Throttle.NONE.link(12 << 20));
    var asleep = new AtomicBoolean();
    var wakeUp = new CountDownLatch(1);
    var parts = new AtomicInteger();
    var sleepy =
        TamperedStore.of(
            store,
            (method, _) -> {
              if (method.equals("part") && parts.incrementAndGet() == 3) {
                asleep.set(true);
              }
              if (asleep.get()) {
                wakeUp.await();
              }
            });
    var first = new Rig.Told();
    var one = begin(sleepy, first);
    await().until(asleep::get);

    var second = new Rig.Told();
    var two = begin(store, second);
    try {
      await().until(() -> second.progress.stream().anyMatch(p -> !p.sources().isEmpty()));
    } finally {
      asleep.set(false);
      wakeUp.countDown();
    }
    two.get();
    one.get();

    assertThat(second.verified).singleElement().matches(v -> v.source().equals(Rig.HUB));
    assertThat(first.verified).isEqualTo(second.verified);
    assertThat(first.progress.getLast().done()).isEqualTo(SIZE);
  }

  @Test
  void aStateThatNobodyCanReadIsReplaced() throws Exception {
    var key = StoreLayout.upload(rig.digest(FILE).hex());
    store.put(
        StoreLayout.MODELS, key, "nothing".getBytes(java.nio.charset.StandardCharsets.UTF_8), "");

    begin(store, new Rig.Told()).get();
  }

  @Test
  void joinsNothingOverABlobThatWasPublishedMeanwhile() throws Exception {
    var known = rig.fetch(new Rig.Told()).entrySet().iterator().next();
    var bytes =
        store.read(StoreLayout.MODELS, StoreLayout.blob(rig.digest(FILE))).orElseThrow().bytes();
    rig.keys("").forEach(key -> store.delete(StoreLayout.MODELS, key));
    var parts = new AtomicInteger();
    var joined = new AtomicInteger();
    var watched =
        TamperedStore.of(
            store,
            (method, _) -> {
              if (method.equals("part") && parts.incrementAndGet() == 1) {
                var imported = new Archive(store);
                imported.put(StoreLayout.MODELS, rig.digest(FILE), bytes);
                imported.mark(StoreLayout.MODELS, known.getKey(), known.getValue());
              }
              if (method.equals("complete")) {
                joined.incrementAndGet();
              }
            });
    var told = new Rig.Told();

    begin(watched, told).get();

    assertThat(parts).hasPositiveValue();
    assertThat(joined).hasValue(0);
    assertThat(told.verified).hasSize(1);
  }

  @Test
  void anImportLeavesNothingToJoinOverItsBlob() throws Exception {
    var known = rig.fetch(new Rig.Told()).entrySet().iterator().next();
    var digest = rig.digest(FILE);
    var blob = StoreLayout.blob(digest);
    var bytes = store.read(StoreLayout.MODELS, blob).orElseThrow().bytes();
    rig.keys("").forEach(key -> store.delete(StoreLayout.MODELS, key));
    var etags = new ArrayList<String>();
    var watched =
        TamperedStore.of(
            store,
            (method, _) -> {
              // the download has looked for the marker, and has made sure of its claim
              if (method.equals("complete") && etags.isEmpty()) {
                var archive = new Archive(store);
                archive.settle(
                    StoreLayout.MODELS,
                    digest,
                    Clock.systemUTC(),
                    () -> etags.add(store.put(StoreLayout.MODELS, blob, bytes, "")),
                    () -> {
                      archive.mark(StoreLayout.MODELS, known.getKey(), known.getValue());
                      return known.getValue();
                    });
              }
            });
    var told = new Rig.Told();

    begin(watched, told).get();

    assertThat(told.verified).hasSize(1);
    assertThat(store.head(StoreLayout.MODELS, blob).orElseThrow().etag())
        .isEqualTo(etags.getFirst());
  }
}
