package flora.stage;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.schemas.ErrorCode;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.work.Work;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Workers in processes of their own, as Spring applications, that die in all the usual ways. */
class WorkerProcessIT {

  private static final Duration SOON = Duration.ofSeconds(60);

  @TempDir static Path folder;
  private static Rig rig;

  @BeforeAll
  static void start() throws Exception {
    rig = Rig.start(folder, Map.of());
  }

  @AfterAll
  static void stop() throws Exception {
    rig.close();
  }

  @Test
  void anotherTakesOverFromOneThatIsKilledOneThatHangsAndOneThatIsStopped() throws Exception {
    try (var killed = WorkerProcess.start(rig, "killed")) {
      killed.ready();
      var first = rig.submit("hold");
      await().atMost(SOON).until(() -> begun(first).size() == 1);
      try (var hangs = WorkerProcess.start(rig, "hangs")) {
        hangs.ready();

        killed.kill();
        var died = Instant.now();
        await().atMost(SOON).until(() -> begun(first).size() == 2);
        assertThat(begun(first).getLast().at()).isBefore(died.plusSeconds(10));
        ScriptedFlow.letGo(rig.store, first);
        await().atMost(SOON).until(() -> isCompleted(first));
        assertWrittenBy(first, 2);

        hangAndComeBack(hangs);
      }
    }
  }

  private void hangAndComeBack(WorkerProcess hangs) throws Exception {
    var second = rig.submit("hold");
    await().atMost(SOON).until(() -> begun(second).size() == 1);
    try (var stopped = WorkerProcess.start(rig, "stopped")) {
      stopped.ready();

      hangs.signal("STOP");
      await().atMost(SOON).until(() -> begun(second).size() == 2);
      hangs.signal("CONT"); // a zombie now, while another works on the run
      Thread.sleep(1500);
      ScriptedFlow.letGo(rig.store, second);
      await().atMost(SOON).until(() -> isCompleted(second));
      assertWrittenBy(second, 2);
      Thread.sleep(500);
      assertThat(rig.events(second, FetchEvent.Completed.class)).hasSize(1);
      assertThat(
              rig.events(second).stream().filter(e -> e.attempt() == 1).allMatch(e -> e.seq() < 30))
          .isTrue();

      terminate(hangs, stopped);
    }
  }

  private void terminate(WorkerProcess one, WorkerProcess two) throws Exception {
    var third = rig.submit("hold");
    await().atMost(SOON).until(() -> begun(third).size() == 1);
    var holder = begun(third).getFirst().source().equals("hangs") ? one : two;

    var told = Instant.now();
    var status = holder.terminate();

    assertThat(status).isEqualTo(143);
    await().atMost(SOON).until(() -> begun(third).size() == 2);
    assertThat(begun(third).getLast().at()).isBefore(told.plusSeconds(5));
    ScriptedFlow.letGo(rig.store, third);
    await().atMost(SOON).until(() -> isCompleted(third));
    assertWrittenBy(third, 2);
  }

  @Test
  void headersAndValuesArePlainAlsoThroughSpringCloudStream() throws Exception {
    try (var worker = WorkerProcess.start(rig, "plain")) {
      worker.ready();
      var run = rig.submit("sleep-0");
      await().atMost(SOON).until(() -> !rig.records(Stage.LABEL.requests(), run).isEmpty());

      var completed = rig.records(Topics.FETCH_EVENTS, run).getLast();
      assertThat(completed.key()).isEqualTo(run.value());
      assertThat(completed.headers())
          .extracting(Header::key)
          .containsExactlyInAnyOrder(
              "ce_specversion", "ce_id", "ce_type", "ce_source", "ce_time", "content-type");
      assertThat(Rig.header(completed, "ce_id")).isEqualTo(run + "/fetch/1/2");
      assertThat(Rig.header(completed, "ce_type")).isEqualTo("io.flora.fetch.completed.v1");
      var handedOn = rig.records(Stage.LABEL.requests(), run).getFirst();
      assertThat(Json.read(handedOn.value(), Work.class))
          .isEqualTo(new Work.Label(run, rig.request(run), 1));
      assertThat(Rig.header(handedOn, "ce_type")).isEqualTo("io.flora.label.requested.v1");
      var broken = rig.submit("break");
      await()
          .atMost(SOON)
          .until(() -> !rig.records(Topics.deadLetters(Stage.FETCH), broken).isEmpty());
      assertThat(
              Rig.header(
                  rig.records(Topics.deadLetters(Stage.FETCH), broken).getFirst(), "flora_reason"))
          .contains("IllegalStateException");
    }
  }

  @Test
  void atItsLastDeliveryARecordBecomesADeadLetterAndTheRunFails(@TempDir Path other)
      throws Exception {
    try (var twice = Rig.start(other, Map.of("group.share.delivery.count.limit", "2"))) {
      var run = twice.submit("sleep-0");
      try (var lost =
          WorkQueues.consumers(Map.of("bootstrap.servers", twice.kafka.bootstrapServers()))
              .createShareConsumer(Stage.FETCH.group(), "lost")) {
        lost.subscribe(List.of(Stage.FETCH.requests()));
        // a worker that takes the record and is never heard of again
        await().atMost(SOON).until(() -> !lost.poll(Duration.ofMillis(500)).isEmpty());
        var flow = new ScriptedFlow("one", twice.store);
        twice.worker("one", flow);

        await().atMost(SOON).until(() -> !twice.events(run, FetchEvent.Failed.class).isEmpty());

        assertThat(flow.ran).isEmpty();
        assertThat(twice.events(run, FetchEvent.Failed.class).getFirst().error())
            .satisfies(
                f -> {
                  assertThat(f.code()).isEqualTo(ErrorCode.INTERNAL);
                  assertThat(f.message()).contains("taken 2 times and never finished");
                });
        var dead = twice.records(Topics.deadLetters(Stage.FETCH), run);
        assertThat(dead).hasSize(1);
        assertThat(Rig.header(dead.getFirst(), DeadLetters.DELIVERIES)).isEqualTo("2");
        assertThat(twice.head(run).ended().stage()).isEqualTo(Stage.FETCH);
      }
    }
  }

  private static void assertWrittenBy(RunId run, int attempt) {
    assertThat(rig.events(run, FetchEvent.Completed.class))
        .hasSize(1)
        .allMatch(e -> e.attempt() == attempt);
    assertThat(rig.head(run).fetch().attempt()).isEqualTo(attempt);
    assertThat(rig.head(run).epoch()).isEqualTo(attempt);
  }

  private static List<FetchEvent.FileVerified> begun(RunId run) {
    return rig.events(run, FetchEvent.FileVerified.class);
  }

  private static boolean isCompleted(RunId run) {
    return !rig.events(run, FetchEvent.Completed.class).isEmpty();
  }
}
