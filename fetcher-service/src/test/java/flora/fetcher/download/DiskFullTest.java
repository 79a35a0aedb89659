package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeRepo;
import flora.schemas.ErrorCode;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStoreException;
import flora.store.memory.MemoryObjectStore;
import java.time.Clock;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class DiskFullTest {

  private static final Set<String> WRITES =
      Set.of("put", "putIfAbsent", "putIfMatch", "part", "complete", "copy", "startMultipart");
  private static final String LARGE = "model.safetensors";
  private static final String SMALL = "config.json";

  private final AtomicLong writesLeft = new AtomicLong(Long.MAX_VALUE);
  private final AtomicInteger refused = new AtomicInteger();
  private final Rig.Told told = new Rig.Told();
  private final Rig rig =
      new Rig(
          TamperedStore.of(
              new MemoryObjectStore(Clock.systemUTC()),
              (method, _) -> {
                if (WRITES.contains(method) && writesLeft.getAndDecrement() <= 0) {
                  refused.incrementAndGet();
                  throw new ObjectStoreException.Full("of other things");
                }
              }),
          FakeRepo.model("flora/large")
              .noise(LARGE, 3L * DownloadSettings.PART + 5)
              .file(SMALL, "{}"),
          0);

  @AfterEach
  void stop() {
    rig.close();
  }

  private CompletableFuture<Void> begin() {
    return CompletableFuture.runAsync(
        () -> {
          try {
            rig.fetch(told);
          } catch (InterruptedException e) {
            throw new IllegalStateException(e);
          }
        });
  }

  @Test
  void waitsForRoomAndGoesOnByItself() throws Exception {
    for (int writes = 0; writes < 12; writes++) {
      rig.keys("").forEach(key -> rig.store.delete(StoreLayout.MODELS, key));
      var before = told.resumed;
      refused.set(0);
      writesLeft.set(writes);
      var fetch = begin();
      await().until(() -> refused.get() > 1);
      assertThat(fetch).isNotDone();

      writesLeft.set(Long.MAX_VALUE);
      fetch.get();

      assertThat(rig.stored(LARGE)).isEqualTo(rig.digest(LARGE));
      assertThat(rig.isMarked(LARGE)).isTrue();
      assertThat(rig.stored(SMALL)).isEqualTo(rig.digest(SMALL));
      assertThat(told.paused)
          .isNotEmpty()
          .allMatch(why -> why.code() == ErrorCode.INSUFFICIENT_DISK);
      assertThat(told.resumed).as("after %d writes", writes).isGreaterThan(before);
      assertThat(rig.openUploads()).isZero();
      assertThat(rig.keys(StoreLayout.UPLOADS)).isEmpty();
    }
  }

  @Test
  void fetchesNoPartTwiceWhileItWaits() throws Exception {
    writesLeft.set(4);
    var fetch = begin();
    await().until(() -> refused.get() > 5);

    writesLeft.set(Long.MAX_VALUE);
    fetch.get();

    assertThat(told.received()).isEqualTo(told.progress.getLast().done());
    assertThat(told.paused).hasSize(1);
  }

  @Test
  void canBeStoppedWhileItWaits() {
    writesLeft.set(4);
    var fetch = begin();
    await().until(() -> !told.paused.isEmpty());

    told.stop = true;

    assertThatThrownBy(fetch::get).hasMessageContaining("told to stop");
  }
}
