package flora.stage;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.embedded.EmbeddedS3;
import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.run.RunEvent;
import flora.schemas.work.Work;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StageWorkerIT {

  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static Rig rig;

  private final ScriptedFlow one = new ScriptedFlow("one", rig.store);
  private final ScriptedFlow two = new ScriptedFlow("two", rig.store);

  @BeforeAll
  static void start() throws Exception {
    rig = Rig.start(folder, Map.of());
  }

  @AfterAll
  static void stop() throws Exception {
    rig.close();
  }

  @AfterEach
  void stopWorkers() {
    rig.stopWorkers();
  }

  @Test
  void nobodyIdlesWhileWorkWaitsAndEachRunsOnce() throws Exception {
    rig.worker("one", one);
    rig.worker("two", two);
    long lock = Rig.LOCK.toMillis();

    var begun = Instant.now();
    var runs =
        List.of(
            rig.submit("sleep-" + 20 * lock),
            rig.submit("sleep-" + 2 * lock),
            rig.submit("sleep-" + 2 * lock),
            rig.submit("sleep-" + 2 * lock));
    await().atMost(Duration.ofSeconds(60)).until(() -> runs.stream().allMatch(this::isCompleted));

    var ran = Stream.concat(one.ran.stream(), two.ran.stream()).toList();
    assertThat(ran).hasSize(4);
    for (var run : runs) {
      assertThat(rig.events(run, FetchEvent.Completed.class)).hasSize(1);
      assertThat(rig.events(run, FetchEvent.FileVerified.class)).hasSize(1);
      assertThat(rig.events(run)).allMatch(e -> e.attempt() == 1);
    }
    // the short ones ran one after the other beside the long one
    var last =
        ran.stream()
            .filter(r -> r.name().equals("sleep-" + 2 * lock))
            .map(ScriptedFlow.Ran::to)
            .max(Comparator.naturalOrder())
            .orElseThrow();
    assertThat(Duration.between(begun, last)).isLessThan(Rig.LOCK.multipliedBy(12));
  }

  @Test
  void tellsHandsOnAndLeavesAHead() throws Exception {
    var run = rig.submit("sleep-2300");
    rig.worker("one", one);

    await().atMost(SOON).until(() -> !rig.records(Stage.LABEL.requests(), run).isEmpty());

    var events = rig.events(run);
    assertThat(events.stream().map(e -> e.seq()))
        .containsExactly(Stream.iterate(1L, n -> n + 1).limit(events.size()).toArray(Long[]::new));
    assertThat(rig.events(run, FetchEvent.Progressed.class)).hasSizeBetween(1, 3);
    var last = rig.records(Topics.FETCH_EVENTS, run).getLast();
    assertThat(Rig.header(last, "ce_specversion")).isEqualTo("1.0");
    assertThat(Rig.header(last, "ce_id")).isEqualTo(run + "/fetch/1/" + events.size());
    assertThat(Rig.header(last, "ce_type")).isEqualTo("io.flora.fetch.completed.v1");
    assertThat(Rig.header(last, "ce_source")).isEqualTo("/flora/fetcher");
    assertThat(Instant.parse(Rig.header(last, "ce_time"))).isEqualTo(events.getLast().at());
    assertThat(Rig.header(last, "content-type")).isEqualTo("application/json");
    assertThat(rig.head(run).fetch()).isEqualTo(events.getLast());
    assertThat(rig.head(run).epoch()).isEqualTo(1);
    assertThat(Json.read(rig.records(Stage.LABEL.requests(), run).getFirst().value(), Work.class))
        .isEqualTo(new Work.Label(run, rig.request(run), 1));
  }

  @Test
  void everyRecordTwiceIsWorkedOnOnce() throws Exception {
    var runs = List.of(rig.freeze("sleep-1500"), rig.freeze("sleep-300"), rig.freeze("sleep-0"));
    for (var run : runs) {
      rig.ask(run);
      rig.ask(run);
    }
    rig.worker("one", one);
    rig.worker("two", two);

    await().atMost(SOON).until(() -> runs.stream().allMatch(this::isCompleted));
    var after = rig.submit("sleep-0");
    await().atMost(SOON).until(() -> isCompleted(after));

    assertThat(one.ran.size() + two.ran.size()).isEqualTo(4);
    for (var run : runs) {
      assertThat(rig.events(run, FetchEvent.Completed.class).stream().distinct()).hasSize(1);
    }
  }

  @Test
  void saysAgainWhatIsDoneWhenAskedMuchLater() throws Exception {
    rig.worker("one", one);
    var run = rig.submit("sleep-0");
    await().atMost(SOON).until(() -> !rig.records(Stage.LABEL.requests(), run).isEmpty());

    rig.ask(run);

    await().atMost(SOON).until(() -> rig.records(Stage.LABEL.requests(), run).size() == 2);
    var told = rig.events(run, FetchEvent.Completed.class);
    assertThat(told).hasSize(2);
    assertThat(told.getFirst()).isEqualTo(told.getLast());
    assertThat(one.ran).hasSize(1);
  }

  @Test
  void cancelsARunThatWaitsInTheQueue() throws Exception {
    var run = rig.submit("sleep-60000");
    rig.cancel(run);

    rig.worker("one", one);

    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.Cancelled.class).isEmpty());
    assertThat(rig.events(run)).hasSize(1);
    assertThat(rig.head(run).ended().failure()).isNull();
  }

  @Test
  void cancelsARunThatIsWorkedOn() throws Exception {
    rig.worker("one", one);
    var run = rig.submit("sleep-60000");
    await().atMost(SOON).until(() -> isBegun(run));

    rig.cancel(run);

    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.Cancelled.class).isEmpty());
    assertThat(rig.events(run).getLast()).isInstanceOf(FetchEvent.Cancelled.class);
    assertThat(rig.records(Stage.LABEL.requests(), run)).isEmpty();
    rig.ask(run);
    await().atMost(SOON).until(() -> rig.events(run, FetchEvent.Cancelled.class).size() == 2);
    assertThat(rig.events(run, FetchEvent.Cancelled.class).stream().distinct()).hasSize(1);
  }

  @Test
  void honoursACancelThatComesWhileTheResultIsReady() throws Exception {
    rig.worker("one", one);
    var run = rig.submit("stubborn-800");
    await().atMost(SOON).until(() -> isBegun(run));

    rig.cancel(run);

    await().atMost(SOON).until(() -> !rig.events(run, FetchEvent.Cancelled.class).isEmpty());
    assertThat(rig.events(run, FetchEvent.Completed.class)).isEmpty();
  }

  @Test
  void triesAgainWhatMayPass() throws Exception {
    rig.worker("one", one);

    var run = rig.submit("flaky-2");

    await().atMost(SOON).until(() -> isCompleted(run));
    var begun = rig.events(run, FetchEvent.FileVerified.class);
    assertThat(begun).hasSize(3).allMatch(e -> e.attempt() == 1);
    assertThat(Duration.between(begun.get(0).at(), begun.get(1).at()))
        .isGreaterThan(Duration.ofMillis(110));
  }

  @Test
  void failsByNameWhatDoesNotPass() throws Exception {
    rig.worker("one", one);

    var flaky = rig.submit("flaky-9");
    var refused = rig.submit("refuse");

    await().atMost(SOON).until(() -> isFailed(flaky) && isFailed(refused));
    assertThat(failure(flaky).code()).isEqualTo(ErrorCode.HUB_UNREACHABLE);
    assertThat(failure(refused).code()).isEqualTo(ErrorCode.REPO_NOT_FOUND);
    assertThat(failure(refused).message()).isEqualTo("there is no such repository");
    assertThat(rig.events(refused, FetchEvent.FileVerified.class)).hasSize(1);
    assertThat(rig.records(Topics.deadLetters(Stage.FETCH), refused)).isEmpty();
  }

  @Test
  void keepsAsADeadLetterWhatNobodyForesaw() throws Exception {
    rig.worker("one", one);

    var run = rig.submit("break");

    await().atMost(SOON).until(() -> isFailed(run));
    assertThat(failure(run).code()).isEqualTo(ErrorCode.INTERNAL);
    assertThat(failure(run).message()).contains("IllegalStateException").doesNotContain("hunter2");
    var dead = rig.records(Topics.deadLetters(Stage.FETCH), run).getFirst();
    assertThat(Json.read(dead.value(), Work.class).runId()).isEqualTo(run);
    assertThat(Rig.header(dead, DeadLetters.REASON)).contains("IllegalStateException");
    assertThat(Rig.header(dead, DeadLetters.TOPIC)).isEqualTo(Topics.FETCH_REQUESTS);
  }

  @Test
  void setsAsideWhatIsNoWork() throws Exception {
    rig.worker("one", one);
    var run = RunId.next(Clock.systemUTC(), new Random());

    rig.send(
        Stage.FETCH.requests(), run.value(), Map.of("h", "v".getBytes(UTF_8)), "{".getBytes(UTF_8));
    rig.send(
        Stage.FETCH.requests(),
        run.value(),
        Map.of(),
        "{\"type\":\"train\",\"run_id\":null}".getBytes(UTF_8));
    rig.send(Stage.FETCH.requests(), null, Map.of(), new byte[0]);
    var next = rig.submit("sleep-0");

    await().atMost(SOON).until(() -> isCompleted(next));
    await().atMost(SOON).until(() -> rig.records(Topics.deadLetters(Stage.FETCH), run).size() == 2);
    var dead = rig.records(Topics.deadLetters(Stage.FETCH), run).getFirst();
    assertThat(dead.value()).isEqualTo("{".getBytes(UTF_8));
    assertThat(Rig.header(dead, "h")).isEqualTo("v");
    var told = rig.records(Topics.RUN_EVENTS, run).getFirst();
    assertThat(Json.read(told.value(), RunEvent.class))
        .isInstanceOfSatisfying(
            RunEvent.Failed.class,
            failed -> assertThat(failed.error().code()).isEqualTo(ErrorCode.INTERNAL));
    assertThat(Rig.header(told, "ce_type")).isEqualTo("io.flora.run.failed.v1");
  }

  @Test
  void failsARunWhoseRequestIsGone() throws Exception {
    rig.worker("one", one);
    var run = rig.freeze("sleep-0");
    var ask = Json.bytes(Work.of(Stage.FETCH, run, rig.request(run), 1));
    rig.store.delete("flora-runs", rig.request(run).key());

    rig.send(Stage.FETCH.requests(), run.value(), Map.of(), ask);

    await().atMost(SOON).until(() -> !rig.records(Topics.RUN_EVENTS, run).isEmpty());
    assertThat(rig.records(Topics.deadLetters(Stage.FETCH), run)).hasSize(1);
  }

  @Test
  void waitsForAStoreThatGoesAwayInTheMiddle(@TempDir Path other) throws Exception {
    var options = EmbeddedS3.Options.on(folder.resolve("s3-of-its-own"));
    var its = EmbeddedS3.start(options);
    var port = its.endpoint().getPort();
    try (var store = Rig.storeAt(its)) {
      // the same runs, on a store that can be taken away
      flora.schemas.store.StoreLayout.BUCKETS.forEach(store::ensureBucket);
      var run = rig.freeze("write-2500");
      var ref = rig.request(run);
      store.put(
          ref.bucket(),
          ref.key(),
          rig.store.read(ref.bucket(), ref.key()).get().bytes(),
          "application/json");
      var flow = new ScriptedFlow("one", store);
      rig.worker("one", flow, store);
      rig.ask(run);
      await().atMost(SOON).until(() -> isBegun(run));

      its.close();
      Thread.sleep(6_000); // longer than the client tries by itself
      its = EmbeddedS3.start(options.withPort(port));

      await().atMost(SOON).until(() -> isCompleted(run));
      assertThat(flow.ran).hasSize(1);
      rig.stopWorkers();
    } finally {
      its.close();
    }
  }

  @Test
  void givesBackWhatItHoldsWhenItShutsDown() throws Exception {
    var first = rig.worker("one", one);
    var run = rig.submit("hold");
    await().atMost(SOON).until(() -> isBegun(run));
    rig.worker("two", two);

    first.close();
    var closed = Instant.now();

    await().atMost(SOON).until(() -> rig.events(run, FetchEvent.FileVerified.class).size() == 2);
    ScriptedFlow.letGo(rig.store, run);
    await().atMost(SOON).until(() -> isCompleted(run));
    var begun = rig.events(run, FetchEvent.FileVerified.class);
    assertThat(begun).extracting(FetchEvent.FileVerified::source).containsExactly("one", "two");
    assertThat(begun.getLast().at()).isBefore(closed.plusSeconds(5));
    assertThat(rig.events(run, FetchEvent.Completed.class))
        .hasSize(1)
        .allMatch(e -> e.attempt() == 2);
    assertThat(rig.head(run).epoch()).isEqualTo(2);
  }

  @Test
  void restartsOfWorkersDoNotUseUpARecord() throws Exception {
    var run = rig.submit("hold");
    for (int i = 1; i <= 12; i++) {
      int begun = i;
      var worker = rig.worker("restart" + i, one);
      await()
          .atMost(SOON)
          .until(() -> rig.events(run, FetchEvent.FileVerified.class).size() == begun);
      worker.close();
    }

    rig.worker("one", one);
    ScriptedFlow.letGo(rig.store, run);

    await().atMost(SOON).until(() -> isCompleted(run));
    assertThat(rig.records(Topics.deadLetters(Stage.FETCH), run)).isEmpty();
  }

  private boolean isBegun(RunId run) {
    return !rig.events(run, FetchEvent.FileVerified.class).isEmpty();
  }

  private boolean isCompleted(RunId run) {
    return !rig.events(run, FetchEvent.Completed.class).isEmpty();
  }

  private boolean isFailed(RunId run) {
    return !rig.events(run, FetchEvent.Failed.class).isEmpty();
  }

  private flora.schemas.Failure failure(RunId run) {
    return rig.events(run, FetchEvent.Failed.class).getFirst().error();
  }
}
