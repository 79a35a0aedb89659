package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.gateway.bus.KafkaClients;
import flora.gateway.run.Submissions;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.request.ContentKind;
import flora.schemas.request.RequestReader;
import flora.schemas.run.LeaseState;
import flora.schemas.run.Run;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.junit.jupiter.api.Test;

class SeveralGatewaysIT {

  private static final Platform PLATFORM = Platform.get();

  @Test
  void theOtherGoesOnWhenOneStops() {
    try (var stays = PLATFORM.gateway("--gateway.instance=stays")) {
      Run run;
      try (var goes = PLATFORM.gateway("--gateway.instance=goes")) {
        run = goes.submit("{name: handed-over, model: {base_model: a/b}}");
        PLATFORM.tell(Stories.fetchStarted(run.id(), Instant.now()));
        stays.await(run.id(), r -> r.status() == Run.Status.FETCHING);
      }

      PLATFORM.tell(Stories.fetched(run.id()));

      var over = stays.await(run.id(), r -> r.status() == Run.Status.SUCCEEDED);
      assertThat(over.startedAt()).isNotNull();
      assertThat(over.stages().get(Stage.FETCH).total()).isEqualTo(100);
    }
  }

  @Test
  void ofTwoWithOneNameTheNewerWorksAndTheOlderTakesOverAfterIt() {
    try (var older = PLATFORM.gateway("--gateway.instance=same")) {
      Run run;
      try (var newer = PLATFORM.gateway("--gateway.instance=same")) {
        run = newer.submit("{name: fenced, model: {base_model: a/b}}");
        PLATFORM.tell(Stories.fetchStarted(run.id(), Instant.now()));
        older.await(run.id(), r -> r.status() == Run.Status.FETCHING);
      }

      PLATFORM.tell(Stories.fetched(run.id()));

      older.await(run.id(), r -> r.status() == Run.Status.SUCCEEDED);
    }
  }

  /** One that was late, or slow: it shut the member out, and has no place in the group itself. */
  @Test
  void whoHasTheNameInTheGroupGoesOnWhenItsTransactionsAreFencedOff() {
    try (var member = PLATFORM.gateway("--gateway.instance=member");
        var late =
            member
                .bean(KafkaClients.class)
                .producer(Map.of(ProducerConfig.TRANSACTIONAL_ID_CONFIG, "gateway-member"))) {
      var projection = member.bean(flora.gateway.projection.Projection.class);
      await().atMost(Duration.ofSeconds(20)).until(() -> anyOwned(member));
      Run owned = null;
      while (owned == null) {
        var each = member.submit("{name: fenced-off, model: {base_model: a/b}}");
        owned = projection.owns(each.id()) ? each : null;
      }
      var id = owned.id();
      PLATFORM.tell(Stories.fetchStarted(id, Instant.now()));
      member.await(id, r -> r.status() == Run.Status.FETCHING);

      late.initTransactions();
      PLATFORM.tell(Stories.fetched(id));

      // a member that is only waited for is dropped after 10 s
      await()
          .atMost(Duration.ofSeconds(8))
          .until(() -> member.run(id).status() == Run.Status.SUCCEEDED);
    }
  }

  @Test
  void aRunThatWasFrozenAndNeverAnnouncedIsNotLost() {
    var id = RunId.of("never announced");
    var request =
        RequestReader.read(
            "{name: lost, model: {base_model: a/b}}".getBytes(StandardCharsets.UTF_8),
            ContentKind.YAML);
    Instant frozenAt;
    try (var killed = PLATFORM.gateway("--gateway.instance=killed")) {
      // as far as a gateway comes that is killed in between: it does not look again itself
      killed.stop("reconciler");
      killed.bean(Submissions.class).freeze(id, request, null);
      assertThat(killed.run(id).name()).isEqualTo("lost");
      frozenAt = killed.run(id).createdAt();
      assertThat(PLATFORM.records(Topics.RUN_EVENTS, id.value())).isEmpty();
    }

    try (var next = PLATFORM.gateway("--gateway.instance=next")) {
      await()
          .atMost(Duration.ofSeconds(15))
          .until(() -> PLATFORM.records(Topics.FETCH_REQUESTS, id.value()).size() == 1);
      assertThat(next.await(id, r -> r.updatedAt() != null).createdAt()).isEqualTo(frozenAt);
    }
  }

  @Test
  void aRunThatNobodyHoldsIsAskedForAgain() {
    try (var keen =
        PLATFORM.gateway("--gateway.instance=keen", "--gateway.reconcile.orphaned-after=1s")) {
      var held = keen.submit("{name: held, model: {base_model: a/b}}");
      var lease = new LeaseState(Stage.FETCH, "w", 1, Map.of(), Instant.now().plusSeconds(300));
      PLATFORM
          .storeOf(keen)
          .put(
              StoreLayout.RUNS,
              StoreLayout.lease(held.id()),
              Json.bytes(lease),
              "application/json");
      Run orphan = null;
      // the keen one has to be the one that joins the run's events: others are more patient
      var projection = keen.bean(flora.gateway.projection.Projection.class);
      await()
          .atMost(Duration.ofSeconds(15))
          .until(() -> projection.owns(held.id()) || anyOwned(keen));
      while (orphan == null) {
        var run = keen.submit("{name: orphan, model: {base_model: a/b}}");
        orphan = projection.owns(run.id()) ? run : null;
      }

      var id = orphan.id().value();
      await()
          .atMost(Duration.ofSeconds(15))
          .until(() -> PLATFORM.records(Topics.FETCH_REQUESTS, id).size() == 2);
      var again = PLATFORM.records(Topics.FETCH_REQUESTS, id).getLast().value();
      assertThat(Json.read(again, Work.class).attempt()).isEqualTo(2);
      assertThat(PLATFORM.records(Topics.FETCH_REQUESTS, held.id().value())).hasSize(1);
    }
  }

  private static boolean anyOwned(Gateway gateway) {
    var projection = gateway.bean(flora.gateway.projection.Projection.class);
    return java.util.stream.IntStream.range(0, 100)
        .anyMatch(i -> projection.owns(RunId.of("probe", Integer.toString(i))));
  }

  @Test
  void aHintMakesItLookAtOnce() {
    try (var hinted =
        PLATFORM.gateway(
            "--gateway.instance=hinted",
            "--gateway.intake.enabled=true",
            "--gateway.intake.every=1h")) {
      // its first look has seen nothing, the next one is an hour away
      await().pollDelay(Duration.ofSeconds(1)).until(() -> true);
      PLATFORM
          .storeOf(hinted)
          .put(StoreLayout.DATASETS, "incoming/hint/a.png", new byte[] {1}, "image/png");
      PLATFORM.send(
          Topics.OBJECT_EVENTS,
          "flora-datasets/incoming/hint/a.png",
          Json.bytes(Map.of("Key", "flora-datasets/incoming/hint/a.png")));

      await()
          .atMost(Duration.ofSeconds(15))
          .until(() -> hinted.get("/v1/runs?limit=100").body().contains("\"name\":\"hint\""));
    }
  }

  @Test
  void asksForItsKeyAndForNothingElse() {
    try (var guarded =
        PLATFORM.gateway("--gateway.instance=guarded", "--gateway.api-key=open-sesame")) {
      var without = guarded.get("/v1/runs");
      var wrong = guarded.get("/v1/runs", "Authorization", "Bearer open");
      var right = guarded.get("/v1/runs", "Authorization", "Bearer open-sesame");

      assertThat(without.statusCode()).isEqualTo(401);
      assertThat(json(without).path("pointer").asString()).isEqualTo("Authorization");
      assertThat(without.headers().firstValue("WWW-Authenticate")).contains("Bearer");
      assertThat(wrong.statusCode()).isEqualTo(401);
      assertThat(right.statusCode()).isEqualTo(200);
      assertThat(guarded.get("/healthz").statusCode()).isEqualTo(200);
      for (var spelled : new String[] {"/v1/./runs", "/v1//runs", "/%76%31/runs", "/v1;a=b/runs"}) {
        assertThat(guarded.get(spelled).statusCode()).as(spelled).isIn(401, 400);
      }
    }
  }
}
