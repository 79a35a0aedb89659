package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.Topics;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Control;
import flora.schemas.run.Run;
import flora.schemas.run.RunEvent;
import flora.schemas.run.StageState;
import flora.schemas.store.StoreLayout;
import flora.schemas.work.Work;
import flora.store.ObjectStore;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class RunsIT {

  private static final Platform PLATFORM = Platform.get();
  private static Gateway gateway;
  private static ObjectStore store;

  @BeforeAll
  static void start() {
    gateway = PLATFORM.shared();
    store = PLATFORM.storeOf(gateway);
  }

  @Test
  void freezesTheRequestAndAsksForTheFirstStage() {
    var response = gateway.yaml("{name: first, model: {base_model: owner/first}}");

    assertThat(response.statusCode()).isEqualTo(202);
    var run = Json.mapper().readValue(response.body(), Run.class);
    assertThat(response.headers().firstValue("Location")).contains("/v1/runs/" + run.id());
    assertThat(run.status()).isEqualTo(Run.Status.QUEUED);
    assertThat(run.stages().get(Stage.FETCH).status()).isEqualTo(StageState.Status.PENDING);
    assertThat(run.stages().get(Stage.TRAIN).status()).isEqualTo(StageState.Status.SKIPPED);

    var frozen = store.read(StoreLayout.RUNS, StoreLayout.request(run.id())).orElseThrow().bytes();
    assertThat(Json.read(frozen, RunRequest.class)).isEqualTo(run.request());
    var said = PLATFORM.records(Topics.RUN_EVENTS, run.id().value());
    assertThat(said).hasSize(1);
    assertThat(new String(said.getFirst().headers().lastHeader("ce_id").value()))
        .isEqualTo(run.id() + "/run/1/1");
    assertThat(new String(said.getFirst().headers().lastHeader("ce_type").value()))
        .isEqualTo("io.flora.run.submitted.v1");
    var submitted = (RunEvent.Submitted) Json.read(said.getFirst().value(), RunEvent.class);
    var asked = PLATFORM.records(Topics.FETCH_REQUESTS, run.id().value());
    assertThat(asked).hasSize(1);
    assertThat(Json.read(asked.getFirst().value(), Work.class))
        .isEqualTo(new Work.Fetch(run.id(), submitted.object(), 1));
    assertThat(submitted.object().size()).isEqualTo(frozen.length);
  }

  @Test
  void aDryRunStartsNothing() {
    var before = json(gateway.get("/v1/runs?limit=100")).path("data").size();

    var response =
        gateway.post(
            "/v1/runs?dry_run=true",
            "application/json",
            "{\"name\":\"dry\",\"model\":{\"base_model\":\"owner/dry\"}}");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(json(response).at("/request/model/base_model").asString()).isEqualTo("owner/dry");
    assertThat(json(response).at("/stages/0").asString()).isEqualTo("fetch");
    assertThat(json(gateway.get("/v1/runs?limit=100")).path("data").size()).isEqualTo(before);
  }

  @Test
  void theSameIdempotencyKeyIsTheSameRun() {
    var yaml = "{name: once, model: {base_model: owner/once}}";

    var first = gateway.yaml(yaml, "Idempotency-Key", "key-1");
    var again = gateway.yaml(yaml, "Idempotency-Key", "key-1");
    var other =
        gateway.yaml("{name: two, model: {base_model: owner/two}}", "Idempotency-Key", "key-1");

    assertThat(again.statusCode()).isEqualTo(202);
    assertThat(json(again).path("id")).isEqualTo(json(first).path("id"));
    var id = json(first).path("id").asString();
    assertThat(PLATFORM.records(Topics.FETCH_REQUESTS, id)).hasSize(1);
    assertThat(other.statusCode()).isEqualTo(422);
    assertThat(json(other).path("pointer").asString()).isEqualTo("Idempotency-Key");
  }

  @Test
  void listsPagesNewestFirst() {
    var mine = new ArrayList<String>();
    for (int i = 0; i < 5; i++) {
      mine.add(
          gateway
              .submit("{name: page-%d, model: {base_model: owner/page}}".formatted(i))
              .id()
              .value());
    }
    var found = new ArrayList<String>();
    String after = null;
    do {
      var page = json(gateway.get("/v1/runs?limit=2" + (after == null ? "" : "&after=" + after)));
      assertThat(page.path("object").asString()).isEqualTo("list");
      page.path("data").forEach(run -> found.add(run.path("id").asString()));
      after = page.path("has_more").asBoolean() ? page.path("next_cursor").asString() : null;
    } while (after != null);

    assertThat(found).doesNotHaveDuplicates();
    assertThat(found.stream().filter(mine::contains).toList()).isEqualTo(mine.reversed());
  }

  @Test
  void listsOnlyRunsInOneState() {
    var run = gateway.submit("{name: listed, model: {base_model: owner/listed}}");
    gateway.post("/v1/runs/" + run.id() + "/cancel", "", "");
    gateway.await(run.id(), r -> r.status() == Run.Status.CANCELLED);

    var cancelled = json(gateway.get("/v1/runs?limit=100&status=cancelled")).path("data");
    var queued = json(gateway.get("/v1/runs?limit=100&status=queued")).path("data");

    assertThat(ids(cancelled)).contains(run.id().value());
    assertThat(ids(queued)).doesNotContain(run.id().value());
  }

  @Test
  void cancelsAQueuedRunOnce() {
    var run = gateway.submit("{name: cancelled, model: {base_model: owner/cancelled}}");

    var first = gateway.post("/v1/runs/" + run.id() + "/cancel", "", "");
    gateway.await(run.id(), r -> r.status() == Run.Status.CANCELLED);
    var again = gateway.post("/v1/runs/" + run.id() + "/cancel", "", "");

    assertThat(first.statusCode()).isEqualTo(202);
    assertThat(json(first).path("status").asString()).isEqualTo("cancelled");
    assertThat(again.statusCode()).isEqualTo(202);
    var control = store.read(StoreLayout.RUNS, StoreLayout.control(run.id())).orElseThrow();
    assertThat(Json.read(control.bytes(), Control.class))
        .isEqualTo(new Control(Control.Desired.CANCELLED, 1));
    assertThat(PLATFORM.records(Topics.RUN_EVENTS, run.id().value())).hasSize(2);
  }

  @Test
  void refusesToCancelWhatIsOver() {
    var run = gateway.submit("{name: over, model: {base_model: owner/over}}");
    PLATFORM.tell(Stories.fetched(run.id()));
    gateway.await(run.id(), r -> r.status() == Run.Status.SUCCEEDED);

    var response = gateway.post("/v1/runs/" + run.id() + "/cancel", "", "");

    assertThat(response.statusCode()).isEqualTo(409);
    assertThat(json(response).path("code").asString()).isEqualTo("RUN_NOT_ACTIVE");
    assertThat(store.head(StoreLayout.RUNS, StoreLayout.control(run.id()))).isEmpty();
  }

  @Test
  void pausesARunOnceAndAsksForItsStageAgainWhenItIsResumed() {
    var run = gateway.submit("{name: waiting, model: {base_model: owner/waiting}}");
    var id = run.id().value();

    assertThat(gateway.post("/v1/runs/" + id + "/pause", "", "").statusCode()).isEqualTo(202);
    assertThat(gateway.post("/v1/runs/" + id + "/pause", "", "").statusCode()).isEqualTo(202);
    assertThat(control(run.id())).isEqualTo(new Control(Control.Desired.PAUSED, 1));
    assertThat(PLATFORM.records(Topics.FETCH_REQUESTS, id)).hasSize(1);

    assertThat(gateway.post("/v1/runs/" + id + "/resume", "", "").statusCode()).isEqualTo(202);
    assertThat(gateway.post("/v1/runs/" + id + "/resume", "", "").statusCode()).isEqualTo(202);
    assertThat(control(run.id())).isEqualTo(new Control(Control.Desired.RUNNING, 2));
    assertThat(PLATFORM.records(Topics.FETCH_REQUESTS, id)).hasSize(2);
    assertThat(PLATFORM.records(Topics.RUN_EVENTS, id)).hasSize(3);

    gateway.post("/v1/runs/" + id + "/cancel", "", "");
    for (var wish : List.of("pause", "resume")) {
      var response = gateway.post("/v1/runs/" + id + "/" + wish, "", "");
      assertThat(response.statusCode()).isEqualTo(409);
      assertThat(json(response).path("code").asString()).isEqualTo("RUN_NOT_ACTIVE");
    }
    assertThat(control(run.id())).isEqualTo(new Control(Control.Desired.CANCELLED, 3));
  }

  @Test
  void countsTheCheckpointsAndPreviewsThatPeopleAskFor() {
    var run = gateway.submit("{name: wanted, model: {base_model: owner/wanted}}");
    var address = "/v1/runs/" + run.id().value();

    for (var wish : List.of("save", "preview", "save")) {
      assertThat(gateway.post(address + "/" + wish, "", "").statusCode()).isEqualTo(202);
    }

    assertThat(control(run.id())).isEqualTo(new Control(Control.Desired.RUNNING, 3, 2L, 1L));
    gateway.post(address + "/cancel", "", "");
    for (var wish : List.of("save", "preview")) {
      assertThat(gateway.post(address + "/" + wish, "", "").statusCode()).isEqualTo(409);
    }
    assertThat(control(run.id())).isEqualTo(new Control(Control.Desired.CANCELLED, 4, 2L, 1L));
  }

  private static Control control(RunId run) {
    var stored = store.read(StoreLayout.RUNS, StoreLayout.control(run)).orElseThrow();
    return Json.read(stored.bytes(), Control.class);
  }

  @Test
  void saysThatASilentRunHasStalled() {
    var run = gateway.submit("{name: silent, model: {base_model: owner/silent}}");
    PLATFORM.tell(Stories.fetchStarted(run.id(), java.time.Instant.now().minusSeconds(3600)));
    gateway.await(run.id(), r -> r.status() == Run.Status.FETCHING);
    // the submission is younger than the start; make the gateway's patience shorter than a moment
    try (var impatient =
        PLATFORM.gateway("--gateway.instance=impatient", "--gateway.stalled-after=1ms")) {
      assertThat(impatient.run(run.id()).stalled()).isTrue();
      want(run.id(), new Control(Control.Desired.PAUSED, 1));
      assertThat(impatient.run(run.id()).stalled()).isFalse();
      want(run.id(), new Control(Control.Desired.RUNNING, 2));
      assertThat(impatient.run(run.id()).stalled()).isTrue();

      var lease =
          new flora.schemas.run.LeaseState(
              Stage.FETCH,
              "worker",
              1,
              java.util.Map.of(),
              java.time.Instant.now().plusSeconds(60));
      store.put(
          StoreLayout.RUNS, StoreLayout.lease(run.id()), Json.bytes(lease), "application/json");
      assertThat(impatient.run(run.id()).stalled()).isFalse();
    }
    assertThat(gateway.run(run.id()).stalled()).isFalse();
  }

  private static void want(RunId run, Control control) {
    store.put(StoreLayout.RUNS, StoreLayout.control(run), Json.bytes(control), "application/json");
  }

  private static List<String> ids(tools.jackson.databind.JsonNode runs) {
    return runs.valueStream().map(r -> r.path("id").asString()).toList();
  }
}
