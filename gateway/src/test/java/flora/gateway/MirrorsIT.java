package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeHub;
import flora.fakehub.FakeRepo;
import flora.schemas.store.StoreLayout;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MirrorsIT {

  private static final String URL = "/v1/mirrors/near";

  private final Gateway gateway = Platform.get().shared();

  @AfterEach
  void forget() {
    gateway.send(gateway.request(URL).DELETE());
  }

  private HttpResponse<String> put(String body, String... headers) {
    var request = gateway.request(URL).PUT(BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return gateway.send(request);
  }

  @Test
  void keepsAMirrorThatPlansUseAndForgetsIt() {
    try (var near = FakeHub.start(0)) {
      Fetched.offer(FakeRepo.model("mirror/pipeline"), Fetched.PIPELINE);
      var copy = FakeRepo.model("mirror/pipeline");
      Fetched.PIPELINE.forEach(copy::file);
      near.add(copy);

      var made = put("{\"endpoint\": \"%s\", \"rank\": 3}".formatted(near.endpoint()));

      assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
      assertThat(json(made).at("/mirror/name").asString()).isEqualTo("near");
      assertThat(json(made).path("made").asString()).isEqualTo("api");
      assertThat(gateway.get("/v1/mirrors").body()).contains("\"near\"", "\"hub\"");
      var plan =
          json(
              gateway.post(
                  "/v1/models:plan",
                  "application/yaml",
                  "{base_model: mirror/pipeline, use_mirror: near}"));
      assertThat(plan.at("/repositories/0/listed_by").asString()).isEqualTo("near");
      assertThat(plan.at("/repositories/0/files/0/sources/0").asString()).isEqualTo("near");
      var estimate =
          plan.path("mirrors")
              .valueStream()
              .filter(m -> m.path("name").asString().equals("near"))
              .findFirst()
              .orElseThrow();
      assertThat(estimate.path("files").asInt()).isEqualTo(6);
      assertThat(estimate.path("missing_bytes").asLong())
          .isEqualTo(plan.path("to_fetch_bytes").asLong());

      assertThat(gateway.send(gateway.request(URL).DELETE()).statusCode()).isEqualTo(204);
      assertThat(gateway.get(URL).statusCode()).isEqualTo(404);
    }
  }

  @Test
  void showsHowEveryPlaceDoesBySchedule() {
    try (var near = FakeHub.start(0)) {
      var repo = Fetched.offer(FakeRepo.model("mirror/measured"), Fetched.PIPELINE);
      near.add(repo);
      try (var own =
          Platform.get()
              .gateway(
                  "--gateway.instance=6",
                  "--hub.probe-every=1s",
                  "--hub.probe-repository=mirror/measured",
                  "--hub.mirrors[0].name=near",
                  "--hub.mirrors[0].headers.X-Key=hush",
                  "--hub.mirrors[0].endpoint=" + near.endpoint())) {
        Awaitility.await()
            .untilAsserted(
                () -> {
                  var places = json(own.get("/v1/mirrors")).path("data");
                  assertThat(places.at("/0/made").asString()).isEqualTo("origin");
                  var status = places.path(1);
                  assertThat(status.at("/mirror/name").asString()).isEqualTo("near");
                  assertThat(status.path("p50_ms").isNumber()).isTrue();
                  assertThat(status.path("p95_ms").isNumber()).isTrue();
                  assertThat(status.path("lag_seconds").asInt(-1)).isZero();
                  assertThat(status.path("circuit").asString()).isEqualTo("closed");
                });
        var looked = json(own.post(URL + ":probe", "", ""));
        assertThat(looked.path("repository").asString()).isEqualTo("mirror/measured");
        assertThat(looked.path("commit").asString()).isEqualTo(repo.commitOf("main"));
        assertThat(looked.path("origin_commit")).isEqualTo(looked.path("commit"));

        assertThat(own.get("/v1/mirrors").body()).contains("\"***\"").doesNotContain("hush");
        var body = "{\"endpoint\": \"http://127.0.0.1:9\"}".getBytes(StandardCharsets.UTF_8);
        assertThat(own.put(URL, body).statusCode()).isEqualTo(400);
        assertThat(own.send(own.request(URL).DELETE()).statusCode()).isEqualTo(400);
      }
    }
  }

  @Test
  void looksAtAMirrorNow() {
    put("{\"endpoint\": \"http://127.0.0.1:9\"}");

    var dead = gateway.post(URL + ":probe", "", "");

    assertThat(dead.statusCode()).as(dead.body()).isEqualTo(200);
    assertThat(json(dead).path("verdict").asString()).isEqualTo("unreachable");
    assertThat(json(dead).path("reachable").asBoolean()).isFalse();
    assertThat(json(dead).path("cause").asString()).isNotBlank();
  }

  @Test
  void changesOnlyTheMirrorThatSomebodyHasSeen() {
    var first = put("{\"endpoint\": \"http://127.0.0.1:9\"}", "If-None-Match", "*");
    assertThat(first.statusCode()).isEqualTo(201);
    var etag = first.headers().firstValue("ETag").orElseThrow();
    assertThat(gateway.get(URL).headers().firstValue("ETag")).contains(etag);

    assertThat(put("{\"endpoint\": \"http://127.0.0.1:8\"}", "If-None-Match", "*").statusCode())
        .isEqualTo(412);
    var second = put("{\"endpoint\": \"http://127.0.0.1:8\"}", "If-Match", etag);
    assertThat(second.statusCode()).isEqualTo(200);
    assertThat(put("{\"endpoint\": \"http://127.0.0.1:7\"}", "If-Match", etag).statusCode())
        .isEqualTo(412);
    assertThat(gateway.send(gateway.request(URL).header("If-Match", etag).DELETE()).statusCode())
        .isEqualTo(412);
    assertThat(json(gateway.get(URL)).at("/mirror/endpoint").asString())
        .isEqualTo("http://127.0.0.1:8");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{} | endpoint",
        "[] | object",
        "{ | JSON",
        "{\"endpoint\": \"ftp://x\"} | endpoint",
        "{\"endpoint\": \"http://a:b@x\"} | user",
        "{\"endpoint\": \"http://x\", \"endpiont\": 1} | field",
        "{\"endpoint\": \"http://x\", \"rank\": \"first\"} | kind",
        "{\"endpoint\": \"http://x\", \"name\": \"far\"} | name",
        "{\"endpoint\": \"http://x\", \"max_connections\": 1000} | max_connections",
        "{\"endpoint\": \"http://x\", \"max_connections\": \"many\"} | a whole number",
        "{\"endpoint\": \"http://x\", \"enabled\": \"perhaps\"} | true or false",
        "{\"endpoint\": \"http://x\", \"kind\": \"ftp\"} | huggingface, modelscope, files",
        "{\"endpoint\": \"http://x\", \"headers\": {\"Authorization\": \"Bearer hush\"}} | clear",
        "{\"endpoint\": \"http://x\", \"token\": \"HOME\"} | FLORA_MIRROR_",
      })
  void refusesWhatIsNoMirror(String body, String word) {
    var answer = put(body);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(400);
    assertThat(json(answer).path("code").asString()).isEqualTo("REQUEST_INVALID");
    assertThat(json(answer).path("detail").asString() + json(answer).path("hint").asString())
        .contains(word)
        .doesNotContain("hush", "a:b");
    assertThat(gateway.get(URL).statusCode()).isEqualTo(404);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/mirrors/hub,400",
    "/v1/mirrors/Upper,400",
    "/v1/mirrors/..%2Fx,400",
    "/v1/mirrors/true,400"
  })
  void keepsNoMirrorUnderANameThatIsNone(String url, int status) {
    var body = "{\"endpoint\": \"http://127.0.0.1:9\"}".getBytes(StandardCharsets.UTF_8);

    assertThat(gateway.put(url, body).statusCode()).isEqualTo(status);
    try (var kept = Platform.get().storeOf(gateway).list(StoreLayout.MODELS, "mirrors/")) {
      assertThat(kept.map(o -> o.key())).noneMatch(key -> !key.endsWith("/near.json"));
    }
  }

  @Test
  void showsNoSecret() {
    var made =
        put(
            "{\"endpoint\": \"http://127.0.0.1:9\","
                + " \"headers\": {\"Authorization\": \"Bearer ${FLORA_MIRROR_NEAR}\"}}");

    assertThat(made.statusCode()).as(made.body()).isEqualTo(201);
    assertThat(gateway.get(URL).body()).contains("${FLORA_MIRROR_NEAR}");
  }
}
