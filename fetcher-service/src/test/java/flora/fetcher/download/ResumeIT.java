package flora.fetcher.download;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.embedded.EmbeddedS3;
import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Throttle;
import flora.fetcher.Stores;
import flora.fetcher.download.Instance.Source;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import flora.store.s3.S3ObjectStore;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Processes that fetch into a real store, killed, stopped or side by side. */
class ResumeIT {

  private static final Duration SILENCE = Duration.ofSeconds(2);
  private static final int CONNECTIONS = 16;
  private static final int PART = DownloadSettings.PART;
  private static final String WEIGHTS = "model.safetensors";

  @TempDir static Path folder;
  private static EmbeddedS3 s3;
  private static S3ObjectStore store;

  /** One worker that is started while the test before still runs. */
  private static Worker spare;

  private static FakeHub hub;
  private static int repos;

  @BeforeAll
  static void startAll() throws Exception {
    s3 = EmbeddedS3.start(EmbeddedS3.Options.on(folder.resolve("s3")));
    hub = FakeHub.start(0);
    spare = newWorker();
    store = Stores.connect(s3);
  }

  @AfterAll
  static void stopAll() throws Exception {
    spare.close();
    hub.close();
    store.close();
    s3.close();
  }

  private static Worker newWorker() {
    return Worker.start(
        s3.endpoint(), SILENCE, List.of(Source.hub(hub.endpoint())), folder.resolve("worker.log"));
  }

  private static Worker worker() throws Exception {
    var worker = spare;
    spare = newWorker();
    worker.hear("ready");
    return worker;
  }

  /** Another name and other bytes for each test. */
  private static FakeRepo repo(long size) {
    var repo =
        FakeRepo.model("flora/resume-" + ++repos).file("config.json", "{\"n\":" + repos + "}");
    repo.noise(repos + "/" + WEIGHTS, size);
    hub.add(repo).forget();
    return repo;
  }

  private static String weights() {
    return repos + "/" + WEIGHTS;
  }

  /** When a process is killed. */
  enum Moment {
    BEGINNING(null, null),
    MIDDLE(null, null),
    BEFORE_THE_PARTS_ARE_JOINED("before", "complete"),
    WHILE_THE_PARTS_ARE_JOINED("after", "complete"),
    BEFORE_THE_MARKER("before", "putIfAbsent"),
    AFTER_THE_MARKER("after", "putIfAbsent");

    private final String side;
    private final String operation;

    Moment(String side, String operation) {
      this.side = side;
      this.operation = operation;
    }
  }

  @ParameterizedTest
  @EnumSource
  void anotherInstanceGoesOnWhereOneWasKilled(Moment moment) throws Exception {
    long size = 5L * PART + 4321;
    var repo = repo(size);
    var digest = new Sha256(repo.sha256(weights()));
    hub.throttle(Throttle.NONE.connection(2 << 20).latency(Duration.ofMillis(5)));
    var remains = new Remains(store);
    long before;
    try (var worker = worker()) {
      if (moment.operation != null) {
        var key = digest.hex() + (moment.operation.equals("putIfAbsent") ? ".verified" : "");
        worker.say("trap " + moment.side + " " + moment.operation + " " + key + " 1");
      }
      worker.say("fetch 1 " + repo.id());
      if (moment.operation != null) {
        worker.hear("caught");
      } else {
        long enough = moment == Moment.BEGINNING ? 1 : 3 * PART;
        await()
            .atMost(Duration.ofSeconds(30))
            .pollInterval(Duration.ofMillis(10))
            .until(
                () ->
                    moment == Moment.BEGINNING
                        ? hub.bytesSent(weights()) >= enough
                        : Ranges.stored(store, repo).bytes() >= enough);
      }
      worker.kill();
    }
    if (moment != Moment.AFTER_THE_MARKER) {
      assertThat(remains.isMarked(digest)).isFalse();
      assertThat(remains.keys(StoreLayout.modelFolder(new flora.schemas.RepoId(repo.id()))))
          .noneMatch(key -> key.endsWith("manifest.json"));
    }
    before = hub.bytesSent(weights());
    var stored = Ranges.stored(store, repo);
    hub.forget();
    // not faster: what lies in the sockets when a range is cut short counts as sent
    hub.throttle(Throttle.NONE.connection(4 << 20));

    try (var other = new Instance(store, SILENCE, List.of(Source.hub(hub.endpoint())))) {
      remains.requirePublished(repo, other.fetch(repo.id()));
    }

    long after = hub.bytesSent(weights());
    assertThat(stored.sentAgain(hub)).as("bytes of stored parts, sent again").isZero();
    assertThat(before + after - size)
        .as("bytes sent twice: %d before and %d after, of %d", before, after, size)
        .isLessThanOrEqualTo((long) Math.min(CONNECTIONS, 6) * PART);
    assertThat(after).isLessThanOrEqualTo(size - stored.bytes() + PART);
    assertThat(remains.sha256(StoreLayout.blob(digest))).isEqualTo(digest.hex());
    remains.requireNothingLeftOver();
  }

  @Test
  void twoInstancesThatWantTheSameFileFetchItOnce() throws Exception {
    long size = 5L * PART + 99;
    var repo = repo(size);
    hub.throttle(Throttle.NONE.link(20 << 20));
    var remains = new Remains(store);
    try (var first = worker();
        var second = worker()) {
      first.say("fetch 1 " + repo.id());
      second.say("fetch 2 " + repo.id());

      remains.requirePublished(repo, first.hear("done 1 ").split(" ")[3]);
      remains.requirePublished(repo, second.hear("done 2 ").split(" ")[3]);
    }
    assertThat(hub.bytesSent(weights())).isBetween(size, size + PART);
    remains.requireThatWhatCountsIsRight();
    remains.requireNothingLeftOver();
  }

  @Test
  void whenTheFirstOfTwoIsKilledTheSecondTakesOver() throws Exception {
    long size = 5L * PART + 77;
    var repo = repo(size);
    hub.throttle(Throttle.NONE.link(12 << 20));
    var remains = new Remains(store);
    try (var first = worker();
        var second = worker()) {
      first.say("fetch 1 " + repo.id());
      await()
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(10))
          .until(() -> hub.bytesSent(weights()) > 0);
      second.say("fetch 2 " + repo.id());
      await()
          .atMost(Duration.ofSeconds(30))
          .pollInterval(Duration.ofMillis(10))
          .until(() -> Ranges.stored(store, repo).bytes() >= 2 * PART);
      first.kill();
      long before = hub.bytesSent(weights());
      var stored = Ranges.stored(store, repo);
      hub.forget();

      remains.requirePublished(repo, second.hear("done 2 ").split(" ")[3]);

      assertThat(stored.sentAgain(hub)).as("bytes of stored parts, sent again").isZero();
      assertThat(before + hub.bytesSent(weights()) - size).isLessThanOrEqualTo(6L * PART);
    }
    remains.requireThatWhatCountsIsRight();
    remains.requireNothingLeftOver();
  }

  /** Where a process stands still until another one has finished its work. */
  enum Sleep {
    IN_THE_MIDDLE("after", "part"),
    BEFORE_THE_PARTS_ARE_JOINED("before", "complete"),
    BEFORE_THE_MARKER("before", "putIfAbsent");

    private final String side;
    private final String operation;

    Sleep(String side, String operation) {
      this.side = side;
      this.operation = operation;
    }
  }

  @ParameterizedTest
  @EnumSource
  void aProcessThatWakesUpAfterAnotherHasFinishedDoesNoHarm(Sleep sleep) throws Exception {
    var repo = repo(3L * PART + 11);
    var digest = new Sha256(repo.sha256(weights()));
    hub.throttle(Throttle.NONE.link(40 << 20));
    var remains = new Remains(store);
    try (var sleeper = worker();
        var other = new Instance(store, SILENCE, List.of(Source.hub(hub.endpoint())))) {
      var key = digest.hex() + (sleep.operation.equals("putIfAbsent") ? ".verified" : "");
      sleeper.say("trap " + sleep.side + " " + sleep.operation + " " + key + " 1");
      sleeper.say("fetch 1 " + repo.id());
      sleeper.hear("caught");
      sleeper.stop();

      remains.requirePublished(repo, other.fetch(repo.id()));
      sleeper.say("open");
      sleeper.goOn();

      remains.requirePublished(repo, sleeper.hear("done 1 ").split(" ")[3]);
    }
    assertThat(remains.sha256(StoreLayout.blob(digest))).isEqualTo(digest.hex());
    remains.requireThatWhatCountsIsRight();
    remains.requireNothingLeftOver();
  }
}
