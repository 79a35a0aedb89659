package flora.gateway.keep;

import static flora.gateway.keep.Kept.NONE;
import static flora.gateway.keep.Kept.assertNothingIsBroken;
import static flora.gateway.keep.Kept.commit;
import static flora.gateway.keep.Kept.fetch;
import static flora.gateway.keep.Kept.file;
import static flora.gateway.keep.Kept.isThere;
import static flora.gateway.keep.Kept.listing;
import static flora.gateway.keep.Kept.sum;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.embedded.EmbeddedS3;
import flora.gateway.error.Refusal;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Pin;
import flora.hub.archive.Ref;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.store.StoreLayout;
import flora.store.Claim;
import flora.store.LocalFiles;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.Secret;
import flora.store.s3.S3ObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Clean-ups beside whoever else is at work, and such as are killed. */
class CleanerIT {

  @TempDir static Path folder;
  private static EmbeddedS3 s3;
  private static ObjectStore real;

  @BeforeAll
  static void startStore() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
    real =
        new S3ObjectStore(
            s3.endpoint(),
            s3.accessKey(),
            new Secret(s3.secretKey()),
            "us-east-1",
            LocalFiles.none());
    StoreLayout.BUCKETS.forEach(real::ensureBucket);
  }

  @AfterAll
  static void stopStore() throws Exception {
    s3.close();
  }

  /** One that was killed leaves its claim for a minute. */
  @AfterEach
  void nobodyRemoves() {
    real.delete(StoreLayout.MODELS, StoreLayout.removing());
  }

  private static Cleaner cleaner(ObjectStore store) {
    return Kept.cleaner(store, List.of(), NONE, Clock.systemUTC(), NONE);
  }

  @Test
  void aFetchThatComesInBetweenKeepsOrBringsBackWhatItFound() {
    fetch(real, "a/race", "main", 1, "found in between", "not looked at yet");
    var found = new ArrayList<Boolean>();
    var fetching =
        before(
            real,
            (method, key) -> {
              // the fetch says what it wants and looks, a moment before the first marker goes
              if (method.equals("delete") && key.endsWith(".verified") && found.isEmpty()) {
                var wanted = file("f-f", "found in between");
                new Archive(real).use(listing("other/repo", "main", 7, wanted), List.of(wanted));
                found.add(isThere(real, "found in between"));
                found.add(isThere(real, "not looked at yet"));
              }
            });

    var report = cleaner(fetching).clean(false, 0L);

    assertThat(found).contains(true);
    assertThat(isThere(real, "found in between")).isTrue();
    assertThat(isThere(real, "not looked at yet")).isFalse();
    assertThat(report.leftBehind()).isEqualTo(1);
    assertThat(isThere(real, "a/race", 1)).isFalse();
  }

  @Test
  void aCommitThatIsUsedWhileItsManifestGoesComesBackWhole() {
    fetch(real, "a/again", "main", 1, "once more");
    var done = new AtomicInteger();
    var using =
        before(
            real,
            (method, key) -> {
              if (method.equals("delete")
                  && key.startsWith("models/a/again/")
                  && done.getAndIncrement() == 0) {
                var wanted = file("f-o", "once more");
                new Archive(real).use(listing("a/again", "main", 1, wanted), List.of(wanted));
              }
            });

    var report =
        Kept.cleaner(using, List.of(), NONE, Clock.systemUTC(), Duration.ofDays(1))
            .clean(false, 0L);

    assertThat(report.kept())
        .filteredOn(k -> k.repo().value().equals("a/again"))
        .singleElement()
        .matches(k -> k.reason() == CleanPlan.Reason.RECENTLY_USED);
    assertThat(isThere(real, "a/again", 1)).isTrue();
    assertThat(isThere(real, "once more")).isTrue();
    assertThat(new Archive(real).ref(RepoType.MODEL, new RepoId("a/again"), "main")).isPresent();
  }

  @Test
  void aRefThatHasMovedOnIsNotTakenAway() {
    fetch(real, "a/moves", "main", 1, "before");
    var moving =
        before(
            real,
            (method, key) -> {
              // the hub's branch moves while the old commit is on its way out
              if (method.equals("read")
                  && key.equals(StoreLayout.modelManifest(new RepoId("a/moves"), commit(1)))) {
                fetch(real, "a/moves", "main", 2, "after");
              }
            });

    cleaner(moving).clean(false, 0L);

    var moved = new Archive(real).ref(RepoType.MODEL, new RepoId("a/moves"), "main");
    assertThat(moved.map(Ref::commit)).contains(commit(2));
  }

  @Test
  void theListOfARunStaysThatWritesTheSameAsOneBefore() {
    var list = fetch(real, "a/listed", "main", 1, "as before");
    var done = new AtomicInteger();
    var publishing =
        before(
            real,
            (method, key) -> {
              if (method.equals("delete")
                  && key.startsWith("models/a/listed/")
                  && done.getAndIncrement() == 0) {
                assertThat(fetch(real, "a/listed", "main", 1, "as before")).isEqualTo(list);
              }
            });

    cleaner(publishing).clean(false, 0L);

    assertThat(real.head(list.bucket(), list.key())).isPresent();
    assertThat(real.head(list.bucket(), StoreLayout.verified(list.sha256()))).isPresent();
    assertThat(isThere(real, "as before")).isTrue();
  }

  @Test
  void whoComesWhileABlobIsTakenAwayWaitsUntilItIsGone() throws Exception {
    fetch(real, "a/goes", "main", 1, "on its way out");
    var archive = new Archive(real);
    var seen = new CompletableFuture<Boolean>();
    var comer =
        Thread.ofVirtual()
            .unstarted(
                () -> {
                  try {
                    archive.awaitRemovals(Clock.systemUTC());
                    seen.complete(isThere(real, "on its way out"));
                  } catch (InterruptedException | RuntimeException e) {
                    seen.completeExceptionally(e);
                  }
                });
    var blob = StoreLayout.blob(sum("on its way out"));
    var slow =
        before(
            real,
            (method, key) -> {
              if (method.equals("delete") && key.equals(blob)) {
                comer.start(); // the marker is gone, the blob is not
                LockSupport.parkNanos(Duration.ofMillis(300).toNanos());
                assertThat(seen).isNotDone();
              }
            });

    cleaner(slow).clean(false, 0L);

    assertThat(seen.get(5, TimeUnit.SECONDS)).isFalse();
    assertThat(real.head(StoreLayout.MODELS, blob)).isEmpty();
    assertThat(real.head(StoreLayout.MODELS, StoreLayout.removing())).isEmpty();
  }

  @Test
  void aCleanUpThatIsKilledLeavesNothingHalfAndTheNextOneFinishes() {
    for (int kill = 1; kill < 12; kill++) {
      fetch(real, "a/kept", "main", 1, "kept");
      real.put(
          StoreLayout.MODELS,
          StoreLayout.pin("models/a/kept/", "main"),
          Json.bytes(new Pin("main")),
          "application/json");
      fetch(real, "b/goes", "main", 2, "goes", "goes as well", "kept");
      var deletes = new AtomicInteger(kill);
      var dying =
          before(
              real,
              (method, key) -> {
                if (deletes.get() <= 0
                    || method.equals("delete") && deletes.decrementAndGet() == 0) {
                  throw new ObjectStoreException.Unavailable("killed", null);
                }
              });
      try {
        cleaner(dying).clean(false, 0L);
      } catch (ObjectStoreException.Unavailable e) {
        assertThat(e).hasMessageContaining("killed");
      }
      assertNothingIsBroken(real);

      // what it had claimed runs out
      var later = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(11));
      Kept.cleaner(real, List.of(), NONE, later, NONE).clean(false, 0L);

      assertThat(isThere(real, "b/goes", 2)).isFalse();
      assertThat(real.head(StoreLayout.MODELS, StoreLayout.blob(sum("goes")))).isEmpty();
      assertThat(real.head(StoreLayout.MODELS, StoreLayout.blob(sum("goes as well")))).isEmpty();
      assertThat(isThere(real, "kept")).isTrue();
      assertNothingIsBroken(real);
    }
  }

  @Test
  void twoGatewaysDoNotCleanAtOnce() {
    var other =
        Claim.take(
                real,
                Clock.systemUTC(),
                StoreLayout.MODELS,
                StoreLayout.cleaning(),
                "other",
                Duration.ofMinutes(1))
            .orElseThrow();

    assertThatThrownBy(() -> cleaner(real).clean(false, 0L)).isInstanceOf(Refusal.Busy.class);

    other.release();
    cleaner(real).clean(false, 0L);
  }

  /** The same store; the hook is told of each call that names a key, before it is done. */
  private static ObjectStore before(ObjectStore inner, BiConsumer<String, String> hook) {
    return (ObjectStore)
        Proxy.newProxyInstance(
            CleanerIT.class.getClassLoader(),
            new Class<?>[] {ObjectStore.class},
            (proxy, method, arguments) -> {
              if (arguments != null && arguments.length > 1 && arguments[1] instanceof String key) {
                hook.accept(method.getName(), key);
              }
              try {
                return method.invoke(inner, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
