package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import flora.fakehub.FakeRepo;
import flora.fakehub.Throttle;
import flora.schemas.ErrorCode;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.memory.MemoryObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
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
  private static final long SIZE = 3L * DownloadSettings.PART + 5 + 2;

  private final AtomicLong free = new AtomicLong(Long.MAX_VALUE);
  private final AtomicLong writesLeft = new AtomicLong(Long.MAX_VALUE);
  private final AtomicInteger refused = new AtomicInteger();
  private final Rig.Told told = new Rig.Told();
  private final Rig rig =
      new Rig(
          TamperedStore.of(
              withFreeBytes(new MemoryObjectStore(Clock.systemUTC())),
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

  private ObjectStore withFreeBytes(ObjectStore inner) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            getClass().getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (_, method, arguments) -> {
              if (method.getName().equals("freeBytes")) {
                return Optional.of(free.get());
              }
              try {
                return method.invoke(inner, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

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

  @Test
  void needsNoMoreRoomThanTheFilesTake() throws Exception {
    free.set(SIZE - 1);
    assertThatThrownBy(() -> rig.fetch(told)).isInstanceOf(TransferException.DiskFull.class);
    assertThat(rig.hub(0).bytesSent("")).isZero();

    free.set(SIZE);
    rig.fetch(told);

    assertThat(rig.isMarked(LARGE)).isTrue();
  }

  @Test
  void goesOnWithWhatWasInterruptedHoweverLittleRoomIsLeft() throws Exception {
    rig.hub(0).throttle(Throttle.NONE.link(8 << 20));
    var fetch = begin();
    await().until(() -> told.progress.stream().anyMatch(p -> p.done() > DownloadSettings.PART * 2));
    told.stop = true;
    assertThatThrownBy(fetch::get).hasMessageContaining("told to stop");
    rig.hub(0).throttle(Throttle.NONE);

    told.stop = false;
    free.set(DownloadSettings.PART);
    rig.fetch(told);

    assertThat(rig.stored(LARGE)).isEqualTo(rig.digest(LARGE));
  }

  @Test
  void isNotFullAnyMoreForWhoFailsOfSomethingElse() {
    var job = new Job();
    var refusals = new AtomicInteger();

    assertThatThrownBy(
            () ->
                Room.await(
                    Duration.ofMillis(1),
                    job.waiter(),
                    () -> {
                      if (refusals.getAndIncrement() == 0) {
                        throw new ObjectStoreException.Full("of other things");
                      }
                      throw new Claim.Lost("a file");
                    }))
        .isInstanceOf(Claim.Lost.class);

    assertThat(job.isPaused()).isFalse();
    job.tell(told);
    assertThat(told.paused).hasSize(1);
    assertThat(told.resumed).isEqualTo(1);
  }
}
