package flora.gateway;

import static org.assertj.core.api.Assertions.assertThat;

import flora.hub.archive.Pin;
import flora.schemas.Json;
import flora.schemas.store.StoreLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class KeepIT {

  private final Gateway gateway = Platform.get().shared();

  @Test
  void pinsARevisionAndLetsItGo() {
    var key = StoreLayout.pin("models/some-one/Model/", "refs/pr/1");
    var store = Platform.get().storeOf(gateway);

    var pinned = gateway.put("/v1/models/some-one/Model/pin?revision=refs/pr/1", new byte[0]);

    assertThat(pinned.statusCode()).isEqualTo(200);
    assertThat(Gateway.json(pinned).path("repo").asString()).isEqualTo("some-one/Model");
    assertThat(Gateway.json(pinned).path("commit").isNull()).isTrue();
    var stored = store.read(StoreLayout.MODELS, key).orElseThrow();
    assertThat(Json.read(stored.bytes(), Pin.class)).isEqualTo(new Pin("refs/pr/1"));

    assertThat(listed("some-one/Model"))
        .singleElement()
        .matches(m -> m.path("commits").isEmpty())
        .matches(m -> m.at("/pins_not_fetched/0").asString().equals("refs/pr/1"));

    var unpin = gateway.request("/v1/models/some-one/Model/pin?revision=refs/pr/1").DELETE();
    assertThat(gateway.send(unpin).statusCode()).isEqualTo(204);
    assertThat(store.read(StoreLayout.MODELS, key)).isEmpty();
    assertThat(gateway.send(unpin).statusCode()).isEqualTo(204);
    assertThat(listed("some-one/Model")).isEmpty();
  }

  private List<JsonNode> listed(String repo) {
    return Gateway.json(gateway.get("/v1/models?limit=100"))
        .path("data")
        .valueStream()
        .filter(model -> model.path("repo").asString().equals(repo))
        .toList();
  }

  @Test
  void refusesWhatIsNoRepositoryOrRevision() {
    var repo = gateway.put("/v1/models/some-one/a--b/pin", new byte[0]);
    var revision = gateway.put("/v1/models/some-one/b/pin?revision=a..b", new byte[0]);
    var type = gateway.put("/v1/models/some-one/b/pin?type=space", new byte[0]);

    assertThat(repo.statusCode()).isEqualTo(400);
    assertThat(Gateway.json(repo).path("pointer").asString()).isEqualTo("name");
    assertThat(Gateway.json(revision).path("pointer").asString()).isEqualTo("revision");
    assertThat(Gateway.json(type).path("pointer").asString()).isEqualTo("type");
  }

  @Test
  void saysWhatACleanUpWouldDo() {
    var report =
        gateway.post(
            "/v1/models:clean", "application/json", "{\"dry_run\": true, \"quota\": \"1GB\"}");

    assertThat(report.statusCode()).isEqualTo(200);
    assertThat(Gateway.json(report).path("object").asString()).isEqualTo("clean_report");
    assertThat(Gateway.json(report).path("dry_run").asBoolean()).isTrue();
    assertThat(Gateway.json(report).path("quota").asLong()).isEqualTo(1L << 30);
  }

  @Test
  void takesNoCleanUpForAnother() {
    for (var body :
        new String[] {"{\"dryrun\": true}", "{\"quota\": \"much\"}", "{\"dry_run\": 1}"}) {
      var answer = gateway.post("/v1/models:clean", "application/json", body);
      assertThat(answer.statusCode()).as(body).isEqualTo(400);
      assertThat(Gateway.json(answer).path("pointer").asString()).startsWith("/");
    }
  }
}
