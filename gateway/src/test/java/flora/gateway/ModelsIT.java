package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ModelsIT {

  private static final Map<String, String> PICTURES = Map.of("a.txt", "a picture");
  private static final String UNET = "unet/diffusion_pytorch_model.safetensors";
  private static Gateway gateway;
  private static RepoListing listing;

  @BeforeAll
  static void fetch() throws Exception {
    gateway = Platform.get().shared();
    Fetched.offer(FakeRepo.model("kept/pipeline"), Fetched.PIPELINE);
    Fetched.offer(FakeRepo.model("kept-alone"), Map.of("config.json", "{\"alone\": true}"));
    Fetched.offer(FakeRepo.dataset("kept/pictures"), PICTURES);
    listing =
        Fetched.keep(
            gateway, RepoType.MODEL, "kept/pipeline", Fetched.PIPELINE, "unet/config.json", UNET);
    Fetched.keep(
        gateway,
        RepoType.MODEL,
        "kept-alone",
        Map.of("config.json", "{\"alone\": true}"),
        "config.json");
    Fetched.keep(gateway, RepoType.DATASET, "kept/pictures", PICTURES, "a.txt");
  }

  @Test
  void listsWhatLiesInTheStoreInPages() {
    var found = new ArrayList<String>();
    var url = "/v1/models?limit=1";
    for (var next = url; next != null; ) {
      var page = json(gateway.get(next));
      assertThat(page.path("data").size()).isLessThanOrEqualTo(1);
      page.path("data")
          .forEach(m -> found.add(m.path("type").asString() + " " + m.path("repo").asString()));
      next =
          page.path("has_more").asBoolean()
              ? url + "&after=" + page.path("next_cursor").asString()
              : null;
    }

    assertThat(found)
        .contains("model kept/pipeline", "model kept-alone", "dataset kept/pictures")
        .doesNotHaveDuplicates();
  }

  @Test
  void tellsOfEachCommitHowMuchIsThere() {
    var models = json(gateway.get("/v1/models?type=model&limit=100")).path("data");

    var model =
        models
            .valueStream()
            .filter(m -> m.path("repo").asString().equals("kept/pipeline"))
            .findFirst()
            .orElseThrow();
    var commit = model.at("/commits/0");
    assertThat(commit.path("commit").asString()).isEqualTo(listing.commit());
    assertThat(commit.at("/revisions/0").asString()).isEqualTo("main");
    assertThat(commit.path("files").asInt()).isEqualTo(2);
    assertThat(commit.path("bytes").asLong())
        .isEqualTo(
            Fetched.PIPELINE.get(UNET).length()
                + Fetched.PIPELINE.get("unet/config.json").length());
    assertThat(commit.path("fetched_at").asString()).isNotBlank();
    assertThat(commit.path("last_used_at").asString()).isNotBlank();
    assertThat(commit.path("pinned").asBoolean()).isFalse();
    assertThat(models.valueStream()).noneMatch(m -> m.path("type").asString().equals("dataset"));
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/models/kept/pipeline,kept/pipeline",
    "/v1/models/kept-alone,kept-alone",
    "/v1/models/_/kept-alone,kept-alone",
    "/v1/models/kept/pictures?type=dataset,kept/pictures"
  })
  void showsTheFilesOfARepository(String url, String repo) {
    var answer = gateway.get(url);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    assertThat(json(answer).path("repo").asString()).isEqualTo(repo);
    assertThat(json(answer).at("/files/0/sha256").asString()).hasSize(64);
  }

  @Test
  void servesAFileByBranchAndByCommitWithRangesAndConditions() {
    var file = "/v1/models/kept/pipeline/files/" + UNET;
    var bytes = Fetched.PIPELINE.get(UNET).getBytes(StandardCharsets.UTF_8);
    var etag = "\"" + Sha256.sum(bytes) + "\"";

    var whole = gateway.bytes(gateway.request(file));
    assertThat(whole.statusCode()).isEqualTo(200);
    assertThat(whole.body()).isEqualTo(bytes);
    assertThat(whole.headers().firstValue("ETag")).contains(etag);
    var part = gateway.get(file + "?revision=" + listing.commit(), "Range", "bytes=5-6");
    assertThat(part.statusCode()).isEqualTo(206);
    assertThat(part.body()).isEqualTo("in");
    assertThat(gateway.get(file, "If-None-Match", etag).statusCode()).isEqualTo(304);
    assertThat(gateway.get(file, "Range", "bytes=999-").statusCode()).isEqualTo(416);
    assertThat(gateway.get("/v1/models/_/kept-alone/files/config.json").statusCode())
        .isEqualTo(200);
    assertThat(gateway.get("/v1/models/kept/pictures/files/a.txt?type=dataset").body())
        .isEqualTo("a picture");
  }

  @ParameterizedTest
  @CsvSource({
    "README.md,404",
    "unet%2Fconfig.json,200",
    "manifest.json,404",
    "..%2F..%2Fmanifest.json,404",
    "%2e%2e/%2e%2e/manifest.json,404",
    "unet/config.json%00,400",
    "unet/config.json?revision=v9,404",
    "unet/config.json?revision=..%2Fmain,400",
    "unet/config.json?type=dataset,404"
  })
  void servesNothingThatTheManifestDoesNotName(String path, int status) {
    var answer = gateway.get("/v1/models/kept/pipeline/files/" + path);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
  }

  @Test
  void servesNoFileWhoseBlobHasLostItsMarker() throws Exception {
    Fetched.offer(FakeRepo.model("kept/unmarked"), Map.of("config.json", "{\"un\": \"marked\"}"));
    Fetched.keep(
        gateway,
        RepoType.MODEL,
        "kept/unmarked",
        Map.of("config.json", "{\"un\": \"marked\"}"),
        "config.json");
    var file = "/v1/models/kept/unmarked/files/config.json";
    assertThat(gateway.get(file).statusCode()).isEqualTo(200);

    var digest = Sha256.sum("{\"un\": \"marked\"}".getBytes(StandardCharsets.UTF_8));
    Platform.get().storeOf(gateway).delete(StoreLayout.MODELS, StoreLayout.verified(digest));

    assertThat(gateway.get(file).statusCode()).isEqualTo(404);
  }

  @Test
  void asksForTheApiKeyEverywhere() {
    try (var closed = Platform.get().gateway("--gateway.api-key=sesame", "--gateway.instance=7")) {
      for (var path :
          new String[] {
            "/v1/models", "/v1/models/kept/pipeline/files/" + UNET, "/v1/mirrors", "/v1/mirrors/hub"
          }) {
        assertThat(closed.get(path).statusCode()).as(path).isEqualTo(401);
        assertThat(closed.get(path, "Authorization", "Bearer sesame").statusCode())
            .as(path)
            .isEqualTo(200);
      }
      assertThat(closed.post("/v1/models:plan", "application/yaml", "{}").statusCode())
          .isEqualTo(401);
      assertThat(closed.post("/v1/mirrors/hub:probe", "", "").statusCode()).isEqualTo(401);
      assertThat(closed.put("/v1/mirrors/x", new byte[0]).statusCode()).isEqualTo(401);
    }
  }
}
