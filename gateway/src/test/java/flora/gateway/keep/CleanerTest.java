package flora.gateway.keep;

import static flora.gateway.keep.Kept.DAY_ONE;
import static flora.gateway.keep.Kept.NONE;
import static flora.gateway.keep.Kept.assertNothingIsBroken;
import static flora.gateway.keep.Kept.commit;
import static flora.gateway.keep.Kept.fetch;
import static flora.gateway.keep.Kept.isThere;
import static flora.gateway.keep.Kept.sum;
import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.archive.Pin;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.fetch.FetchEvent;
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
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.threeten.extra.MutableClock;

/** What goes, and what stays. */
class CleanerTest {

  /** The time of the store and of the gateway. */
  private final MutableClock clock = MutableClock.of(DAY_ONE, ZoneOffset.UTC);

  private final List<Run> runs = new ArrayList<>();

  private ObjectStore memory() {
    var store = new MemoryObjectStore(clock);
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    return store;
  }

  private Cleaner cleaner(ObjectStore store, Duration minAge) {
    return cleaner(store, minAge, Duration.ofDays(1));
  }

  private Cleaner cleaner(ObjectStore store, Duration minAge, Duration orphanAge) {
    return Kept.cleaner(store, runs, minAge, clock, orphanAge);
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
