package flora.fakehub;

import static flora.fakehub.HubCalls.header;
import static flora.fakehub.HubCalls.text;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.json.JsonMapper;

class ShapeTest {

  private static final String FILE = "unet/model.safetensors";

  private final FakeRepo repo =
      FakeRepo.model("flora/tiny").file("config.json", "{}").noise(FILE, 1000);
  private final FakeHub hub = FakeHub.start(0, "/mirror").add(repo);
  private final HubCalls calls = new HubCalls(hub);

  @AfterEach
  void stop() {
    calls.close();
    hub.close();
  }

  @Test
  void servesPlainFilesAsUniversitiesDo() throws Exception {
    hub.shape(Shape.PLAIN_FILES);
    var base = "/any/hugging-face/models/flora/tiny/";

    var whole = calls.get(base + FILE);
    var part = calls.get(URI.create(hub.endpoint() + base + FILE), "bytes=990-");

    assertThat(whole.body()).hasSize(1000);
    assertThat(whole.headers().map().keySet())
        .containsExactlyInAnyOrder(
            "accept-ranges", "content-length", "content-type", "last-modified");
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body()).isEqualTo(java.util.Arrays.copyOfRange(whole.body(), 990, 1000));
    assertThat(calls.get("/api/models/flora/tiny").statusCode()).isEqualTo(404);
    assertThat(calls.get(base + "none").statusCode()).isEqualTo(404);
  }

  @Test
  void speaksModelScopesOwnApi() throws Exception {
    hub.shape(Shape.MODELSCOPE);
    var json = new JsonMapper();
    var api = "/api/v1/models/flora/tiny";

    var revisions = json.readTree(calls.get(api + "/revisions").body());
    var listed =
        json.readTree(calls.get(api + "/repo/files?Revision=master&Recursive=True").body());
    var flat = json.readTree(calls.get(api + "/repo/files?Revision=master").body());
    var file = calls.get(api + "/repo?Revision=master&FilePath=unet%2Fmodel.safetensors");
    var part =
        calls.get(
            URI.create(hub.endpoint() + "/models/flora/tiny/resolve/master/" + FILE), "bytes=5-9");
    var none = json.readTree(calls.get("/api/v1/models/flora/none/revisions").body());

    assertThat(listed.path("Code").asInt()).isEqualTo(200);
    assertThat(listed.path("Success").asBoolean()).isTrue();
    assertThat(revisions.path("Data").path("RevisionMap").path("Branches").path(0).path("Revision"))
        .hasToString("\"master\"");
    var files = listed.path("Data").path("Files");
    assertThat(files).hasSize(3);
    assertThat(flat.path("Data").path("Files")).hasSize(2);
    var weights =
        files.valueStream().filter(f -> f.path("Path").asString().equals(FILE)).findFirst().get();
    assertThat(weights.path("Type").asString()).isEqualTo("blob");
    assertThat(weights.path("Size").asLong()).isEqualTo(1000);
    assertThat(weights.path("Sha256").asString()).isEqualTo(repo.sha256(FILE));
    assertThat(weights.path("IsLFS").asBoolean()).isTrue();
    assertThat(file.body()).hasSize(1000);
    assertThat(part.statusCode()).isEqualTo(200);
    assertThat(header(part, "Content-Range")).isEqualTo("bytes 5-9/1000");
    assertThat(none.path("Success").asBoolean()).isFalse();
  }

  @Test
  void listsModelScopesDatasetsInPages() throws Exception {
    hub.shape(Shape.MODELSCOPE)
        .add(FakeRepo.dataset("flora/pictures").file("a.txt", "a").file("b.txt", "b"));

    var about = new JsonMapper().readTree(calls.get("/api/v1/datasets/flora/pictures").body());
    var id = about.path("Data").path("Id").asLong();
    var second =
        calls.get(
            "/api/v1/datasets/%d/repo/tree?Recursive=True&PageNumber=2&PageSize=1".formatted(id));

    assertThat(text(second)).contains("\"Path\":\"b.txt\"").doesNotContain("a.txt");
    assertThat(text(second)).contains("\"TotalCount\":2");
  }

  @Test
  void isBehindTheOriginWithTheSameRepository() throws Exception {
    var old = repo.commitOf("main");
    var other = FakeHub.start(0).add(repo);
    try (other;
        var theirs = new HubCalls(other)) {
      repo.file("config.json", "{\"new\": 1}").commit("main");
      var fresh = repo.commitOf("main");
      hub.behind(repo, old);

      assertThat(text(calls.get("/api/models/flora/tiny"))).contains(old);
      assertThat(text(theirs.get("/api/models/flora/tiny"))).contains(fresh);
      assertThat(calls.get("/api/models/flora/tiny/revision/" + fresh).statusCode()).isEqualTo(404);
      assertThat(theirs.get("/api/models/flora/tiny/revision/" + old).statusCode()).isEqualTo(200);
    }
  }

  @Test
  void switchesARepositoryOff() throws Exception {
    hub.add(FakeRepo.model("flora/off").file("a.txt", "a").disabled());

    var answer = calls.get("/flora/off/resolve/main/a.txt");

    assertThat(answer.statusCode()).isEqualTo(403);
    assertThat(header(answer, "X-Error-Message")).isEqualTo("Access to this resource is disabled.");
    assertThat(calls.get("/api/models/flora/off").statusCode()).isEqualTo(403);
  }
}
