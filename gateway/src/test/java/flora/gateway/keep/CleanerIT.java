package flora.gateway.keep;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import flora.embedded.EmbeddedS3;
import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Claim;
import flora.hub.archive.Pin;
import flora.hub.archive.Ref;
import flora.hub.archive.Verified;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestReader;
import flora.schemas.run.Head;
import flora.schemas.run.Run;
import flora.schemas.run.RunEvent;
import flora.schemas.run.RunJoin;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.LocalFiles;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import flora.store.Secret;
import flora.store.memory.MemoryObjectStore;
import flora.store.s3.S3ObjectStore;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.util.unit.DataSize;
import org.threeten.extra.MutableClock;

class CleanerIT {

  private static final Instant DAY_ONE = Instant.parse("2026-01-01T00:00:00Z");
  private static final Duration NONE = Duration.ZERO;

  @TempDir static Path folder;
  private static EmbeddedS3 s3;
  private static ObjectStore real;

  /** The time of the store and of the gateway. */
  private final MutableClock clock = MutableClock.of(DAY_ONE, ZoneOffset.UTC);

  private final List<Run> runs = new ArrayList<>();

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

  private ObjectStore memory() {
    var store = new MemoryObjectStore(clock);
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return store;
  }

  private Cleaner cleaner(ObjectStore store, Duration minAge) {
    return cleaner(store, minAge, clock, Duration.ofDays(1));
  }

  private Cleaner cleaner(ObjectStore store, Duration minAge, Clock time, Duration orphanAge) {
    var clean =
        new GatewayProperties.Clean("-", ZoneOffset.UTC, (DataSize) null, minAge, orphanAge);
    return new Cleaner(store, new LivingRuns(() -> true, () -> runs, store), time, "test", clean);
  }

  private static HubFile file(String path, String content) {
    return new HubFile(path, content.length(), "0".repeat(40), sum(content));
  }

  private static Sha256 sum(String content) {
    return Sha256.sum(content.getBytes(StandardCharsets.US_ASCII));
  }

  private static String commit(int number) {
    return "%040x".formatted(number);
  }

  private static RepoListing listing(String repo, String revision, int commit, HubFile... files) {
    return new RepoListing(
        RepoType.MODEL, new RepoId(repo), revision, commit(commit), List.of(files));
  }

  /** Does what a fetch does. */
  private static ObjectRef fetch(
      ObjectStore store, String repo, String revision, int commit, String... contents) {
    var files = new LinkedHashMap<HubFile, Verified>();
    var listed = new ArrayList<HubFile>();
    for (var content : contents) {
      listed.add(file("f-" + content.charAt(0), content));
    }
    var listing = listing(repo, revision, commit, listed.toArray(HubFile[]::new));
    new Archive(store).use(listing, listed);
    for (int i = 0; i < contents.length; i++) {
      var bytes = contents[i].getBytes(StandardCharsets.US_ASCII);
      var file = listed.get(i);
      var digest = Sha256.sum(bytes);
      var verified = new Verified(digest, bytes.length, "lfs-sha256", "test", DAY_ONE);
      if (new Archive(store).find(StoreLayout.MODELS, file).isEmpty()) {
        store.put(StoreLayout.MODELS, StoreLayout.blob(digest), bytes, "x/y");
        store.put(StoreLayout.MODELS, StoreLayout.verified(digest), Json.bytes(verified), "x/y");
      }
      files.put(file, verified);
    }
    new Archive(store).use(listing, files, Map.of());
    return new Archive(store).publish(listing, files);
  }

  private static boolean isThere(ObjectStore store, String repo, int commit) {
    var key = StoreLayout.modelManifest(new RepoId(repo), commit(commit));
    return store.head(StoreLayout.MODELS, key).isPresent();
  }

  private static boolean isThere(ObjectStore store, String content) {
    return new Archive(store).find(StoreLayout.MODELS, file("f", content)).isPresent();
  }

  /** Every manifest names only files that are there. */
  private static void assertNothingIsBroken(ObjectStore store) {
    try (var objects = store.list(StoreLayout.MODELS, "models/")) {
      objects
          .map(ObjectInfo::key)
          .filter(key -> key.endsWith("manifest.json"))
          .map(key -> store.read(StoreLayout.MODELS, key).orElseThrow().bytes())
          .flatMap(bytes -> Json.read(bytes, RepoManifest.class).files().stream())
          .forEach(
              f ->
                  assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(f.sha256())))
                      .as(f.path())
                      .isPresent());
    }
  }

  @Test
  void removesWhatWasNotUsedForTheLongestTimeUntilTheQuotaIsKept() {
    var store = memory();
    fetch(store, "a/old", "main", 1, "x".repeat(100), "shared".repeat(20));
    clock.setInstant(DAY_ONE.plus(Duration.ofHours(1)));
    fetch(store, "b/older-but-used-again", "main", 2, "y".repeat(100));
    clock.setInstant(DAY_ONE.plus(Duration.ofHours(2)));
    fetch(store, "c/new", "main", 3, "z".repeat(100), "shared".repeat(20));
    clock.setInstant(DAY_ONE.plus(Duration.ofDays(9)));
    fetch(store, "a/old", "main", 1, "x".repeat(100), "shared".repeat(20));
    clock.setInstant(DAY_ONE.plus(Duration.ofDays(10)));

    var dry = cleaner(store, Duration.ofHours(1)).clean(true, 330L);
    assertThat(isThere(store, "b/older-but-used-again", 2)).isTrue();
    var report = cleaner(store, Duration.ofHours(1)).clean(false, 330L);

    assertThat(report.bytesBefore()).isEqualTo(420);
    assertThat(report.bytesAfter()).isEqualTo(320);
    assertThat(report.removed())
        .singleElement()
        .matches(r -> r.repo().value().equals("b/older-but-used-again"))
        .matches(r -> r.bytes() == 100)
        .matches(r -> r.revisions().equals(List.of("main")));
    assertThat(report.kept()).extracting(k -> k.repo().value()).containsExactly("c/new", "a/old");
    assertThat(dry.removed()).isEqualTo(report.removed());
    assertThat(dry.dryRun()).isTrue();
    assertThat(isThere(store, "y".repeat(100))).isFalse();
    assertThat(
            store.read(
                StoreLayout.MODELS, StoreLayout.ref("models/b/older-but-used-again/", "main")))
        .isEmpty();
    assertNothingIsBroken(store);
  }

  @Test
  void keepsBytesThatAnotherCommitNeedsToo() {
    var store = memory();
    fetch(store, "a/old", "main", 1, "x".repeat(100), "shared".repeat(20));
    clock.setInstant(DAY_ONE.plus(Duration.ofHours(2)));
    fetch(store, "c/new", "main", 3, "shared".repeat(20));
    clock.setInstant(DAY_ONE.plus(Duration.ofDays(10)));

    var report = cleaner(store, NONE).clean(false, 150L);

    assertThat(report.removed()).extracting(r -> r.bytes()).containsExactly(100L);
    assertThat(isThere(store, "shared".repeat(20))).isTrue();
    assertNothingIsBroken(store);
  }

  @Test
  void neverRemovesWhatIsPinnedInUseOrUsedJustNow() {
    var store = memory();
    fetch(store, "a/pinned", "main", 1, "pinned");
    store.put(
        StoreLayout.MODELS,
        StoreLayout.pin("models/a/pinned/", "main"),
        Json.bytes(new Pin("main")),
        "application/json");
    var manifest = fetch(store, "b/training", "main", 2, "training");
    fetch(store, "c/wanted-by-a-queued-run", "main", 3, "queued");
    fetch(store, "d/of-an-ended-run", "main", 4, "ended");
    runs.add(run("b/training", manifest, false));
    runs.add(run("c/wanted-by-a-queued-run", null, false));
    runs.add(run("d/of-an-ended-run", null, true));
    store.put(StoreLayout.RUNS, StoreLayout.head(runs.getFirst().id()), head(manifest), "x/y");
    clock.setInstant(DAY_ONE.plus(Duration.ofDays(1)));
    fetch(store, "e/just-now", "main", 5, "just now");
    clock.add(Duration.ofMinutes(59));

    var report = cleaner(store, Duration.ofHours(1)).clean(false, 0L);

    assertThat(report.removed())
        .extracting(r -> r.repo().value())
        .containsExactly("d/of-an-ended-run");
    assertThat(report.kept())
        .extracting(k -> k.repo().value() + " " + k.reason())
        .containsExactlyInAnyOrder(
            "a/pinned PINNED",
            "b/training IN_USE",
            "c/wanted-by-a-queued-run IN_USE",
            "e/just-now RECENTLY_USED");
    assertThat(store.head(manifest.bucket(), manifest.key())).isPresent();
    assertNothingIsBroken(store);
  }

  @Test
  void removesNoCommitWithoutAQuotaAndOldOrphansWithOne() {
    var store = memory();
    fetch(store, "a/old", "main", 1, "x");
    store.put(StoreLayout.MODELS, StoreLayout.blob(sum("lost")), new byte[4], "x/y");
    store.put(StoreLayout.DATASETS, StoreLayout.blob(sum("picture")), new byte[4], "x/y");
    clock.setInstant(DAY_ONE.plus(Duration.ofHours(23)));
    assertThat(cleaner(store, NONE).clean(false, null).orphans()).isZero();
    clock.setInstant(DAY_ONE.plus(Duration.ofHours(25)));

    var report = cleaner(store, NONE).clean(false, null);

    assertThat(report.removed()).isEmpty();
    // the run's own list of the files stays with the commit only while a run knows it
    assertThat(report.orphans()).isEqualTo(3);
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(sum("lost")))).isEmpty();
    assertThat(isThere(store, "x")).isTrue();
    assertNothingIsBroken(store);
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

    var report = cleaner(fetching, NONE, Clock.systemUTC(), NONE).clean(false, 0L);

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

    var report = cleaner(using, NONE, Clock.systemUTC(), Duration.ofDays(1)).clean(false, 0L);

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

    cleaner(moving, NONE, Clock.systemUTC(), NONE).clean(false, 0L);

    assertThat(new Archive(real).ref(RepoType.MODEL, new RepoId("a/moves"), "main"))
        .contains(new Ref("main", commit(2)));
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

    cleaner(publishing, NONE, Clock.systemUTC(), NONE).clean(false, 0L);

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

    cleaner(slow, NONE, Clock.systemUTC(), NONE).clean(false, 0L);

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
        cleaner(dying, NONE, Clock.systemUTC(), NONE).clean(false, 0L);
      } catch (ObjectStoreException.Unavailable e) {
        assertThat(e).hasMessageContaining("killed");
      }
      assertNothingIsBroken(real);

      // what it had claimed runs out
      var later = Clock.offset(Clock.systemUTC(), Duration.ofMinutes(11));
      cleaner(real, NONE, later, NONE).clean(false, 0L);

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

    assertThatThrownBy(() -> cleaner(real, NONE, Clock.systemUTC(), NONE).clean(false, 0L))
        .isInstanceOf(Refusal.Busy.class);

    other.release();
    cleaner(real, NONE, Clock.systemUTC(), NONE).clean(false, 0L);
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

  private static Run run(String repo, @Nullable ObjectRef manifest, boolean ended) {
    var id = RunId.of(repo);
    var request =
        RequestReader.read(
                "{\"model\": {\"base_model\": \"%s\"}}"
                    .formatted(repo)
                    .getBytes(StandardCharsets.UTF_8),
                ContentKind.JSON)
            .request();
    var object = new ObjectRef(StoreLayout.RUNS, StoreLayout.request(id), 1, sum("x"));
    var run =
        RunJoin.join(
            RunJoin.empty(id),
            new RunEvent.Submitted(
                id, 1, 1, DAY_ONE, request, object, List.of(Stage.FETCH), List.of()));
    return ended
        ? RunJoin.join(run, new FetchEvent.Completed(id, 1, 2, DAY_ONE, 0, List.of()))
        : run;
  }

  private static byte[] head(ObjectRef manifest) {
    var id = RunId.of("b/training");
    var snapshot =
        new Snapshot(RepoRole.BASE_MODEL, new RepoId("b/training"), "main", commit(2), manifest);
    return Json.bytes(
        Head.empty(id).with(new FetchEvent.Completed(id, 1, 2, DAY_ONE, 8, List.of(snapshot))));
  }
}
