package flora.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.schemas.RepoId;
import flora.schemas.store.StoreLayout;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class SyncIT {

  /** Every gateway of the tests compares what follows: all of them ask the same hub. */
  private static final FakeHub hub = Platform.get().hub();

  private static Gateway gateway;
  private static Gateway other;

  @BeforeAll
  static void start() {
    gateway =
        Platform.get()
            .gateway(
                "--gateway.instance=sync-a",
                "--gateway.sync[0].repo=flora/configured",
                "--gateway.sync[0].cron=0 0 0 1 1 *");
    other =
        Platform.get()
            .gateway(
                "--gateway.instance=sync-b",
                "--gateway.sync[0].repo=flora/configured",
                "--gateway.sync[0].cron=0 0 0 1 1 *");
  }

  @AfterAll
  static void stop() {
    gateway.close();
    other.close();
  }

  private static JsonNode await(String repo, Predicate<JsonNode> condition) {
    return Awaitility.await()
        .atMost(Duration.ofSeconds(20))
        .pollInterval(Duration.ofMillis(100))
        .until(() -> Gateway.json(gateway.get("/v1/models/" + repo + "/sync")), condition);
  }

  private static void follow(String repo, String settings) {
    var path = "/v1/models/" + repo + "/sync";
    var answer = gateway.put(path, settings.getBytes(StandardCharsets.UTF_8));
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
  }

  private static List<JsonNode> runs(String name) {
    return Gateway.json(other.get("/v1/runs?limit=100"))
        .path("data")
        .valueStream()
        .filter(run -> run.path("name").asString("").equals(name))
        .toList();
  }

  @Test
  void fetchesByOneRunWhateverNumberOfGatewaysAndByAnotherWhenTheUpstreamMoved() {
    var repo = FakeRepo.model("flora/followed").file("config.json", "{}").commit("main");
    hub.add(repo);
    follow("flora/followed", "{\"cron\": \"* * * * * *\", \"allow_patterns\": [\"*.json\"]}");

    var first = await("flora/followed", sync -> sync.path("last_run").isString());
    assertThat(first.path("commit").asString()).isEqualTo(repo.commitOf("main"));
    var id = first.path("last_run").asString();
    // compared again by then, by either gateway
    await(
        "flora/followed",
        sync -> !sync.path("last_checked_at").equals(first.path("last_checked_at")));
    Awaitility.await().until(() -> runs("sync-flora-followed").size() == 1);
    var run = Gateway.json(gateway.get("/v1/runs/" + id));
    assertThat(run.at("/request/model/base_model").asString()).isEqualTo("flora/followed");
    assertThat(run.at("/request/model/allow_patterns/0").asString()).isEqualTo("*.json");
    assertThat(run.at("/request/dataset").isMissingNode() || run.at("/request/dataset").isNull())
        .isTrue();

    repo.file("config.json", "{\"newer\": 1}").commit("main");

    var moved = await("flora/followed", sync -> !sync.path("last_run").asString().equals(id));
    assertThat(moved.path("commit").asString()).isEqualTo(repo.commitOf("main"));
    Awaitility.await().until(() -> runs("sync-flora-followed").size() == 2);

    gateway.send(gateway.request("/v1/models/flora/followed/sync").DELETE());
    assertThat(gateway.get("/v1/models/flora/followed/sync").statusCode()).isEqualTo(404);
  }

  @Test
  void makesUpForMissedTimesOnce() {
    hub.add(FakeRepo.model("flora/missed").file("config.json", "{}").commit("main"));
    follow("flora/missed", "{\"cron\": \"0 0 0 1 1 *\", \"zone\": \"Asia/Shanghai\"}");
    var store = Platform.get().storeOf(gateway);
    var key = StoreLayout.sync(new RepoId("flora/missed"), "main");
    var job =
        new String(
            store.read(StoreLayout.MODELS, key).orElseThrow().bytes(), StandardCharsets.UTF_8);
    var missed = job.replaceFirst("\"next_at\":\"[^\"]*\"", "\"next_at\":\"2020-01-01T00:00:00Z\"");
    assertThat(missed).isNotEqualTo(job);
    store.put(StoreLayout.MODELS, key, missed.getBytes(StandardCharsets.UTF_8), "application/json");

    var sync = await("flora/missed", s -> s.path("last_checked_at").isString());

    assertThat(Instant.parse(sync.path("next_at").asString())).isAfter(Instant.now());
    assertThat(sync.path("next_at").asString()).endsWith("-12-31T16:00:00Z");
  }

  @Test
  void saysWhyAHubDoesNotTellAndComparesAgainSoon() {
    hub.add(FakeRepo.model("flora/silent").file("config.json", "{}").commit("main"));
    hub.fault("flora/silent", new Fault.Status(404), Integer.MAX_VALUE);
    follow("flora/silent", "{\"cron\": \"* * * * * *\"}");

    var sync = await("flora/silent", s -> s.path("last_error").isString());

    assertThat(sync.path("last_error").asString()).contains("flora/silent");
    assertThat(sync.path("last_run").isNull()).isTrue();
    gateway.send(gateway.request("/v1/models/flora/silent/sync").DELETE());
  }

  @Test
  void followsWhatTheConfigurationNames() {
    var sync = await("flora/configured", s -> s.path("repo").isString());

    assertThat(sync.path("source").asString()).isEqualTo("configuration");
    assertThat(Gateway.json(other.get("/v1/models:sync")).path("data").valueStream())
        .anyMatch(s -> s.path("repo").asString().equals("flora/configured"));
  }

  @Test
  void listsLikeEveryList() {
    var list = Gateway.json(other.get("/v1/models:sync"));

    assertThat(list.propertyNames()).containsExactly("object", "data", "has_more", "next_cursor");
  }

  @Test
  void refusesASchedule() {
    for (var body :
        List.of(
            "{\"cron\": \"daily\"}",
            "{\"zone\": \"Mars\"}",
            "{\"preset\": \"all\"}",
            "{\"when\": 1}")) {
      var answer = gateway.put("/v1/models/a/b/sync", body.getBytes(StandardCharsets.UTF_8));
      assertThat(answer.statusCode()).as(body).isEqualTo(400);
      assertThat(Gateway.json(answer).path("pointer").asString()).as(body).startsWith("/");
    }
  }
}
