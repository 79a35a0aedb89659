package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.fakehub.Fault;
import flora.fakehub.Throttle;
import flora.hub.RepoType;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import java.net.http.HttpResponse;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;

class PlansIT {

  private static final Platform PLATFORM = Platform.get();

  /** With bytes that no other test leaves in the store. */
  private static final Map<String, String> OWN = new LinkedHashMap<>(Fetched.PIPELINE);

  private static Gateway gateway;

  static {
    OWN.put("unet/diffusion_pytorch_model.safetensors", "the unet of plans");
  }

  @BeforeAll
  static void offer() {
    gateway = PLATFORM.shared();
    Fetched.offer(FakeRepo.model("plan/pipeline"), OWN);
    Fetched.offer(FakeRepo.model("plan/gated").gated("somebody"), Fetched.PIPELINE);
    var hub = PLATFORM.hub();
    hub.add(FakeRepo.model("plan/pickled").file("config.json", "{}").noise("pytorch_model.bin", 9));
    hub.add(
        FakeRepo.model("plan/closed")
            .file("config.json", "{\"closed\": true}")
            .noise("model.safetensors", 77)
            .gated("somebody"));
    hub.add(FakeRepo.dataset("plan/shut").noise("a.parquet", 78).gated("somebody"));
    hub.add(FakeRepo.dataset("plan/pictures").noise("data/train.parquet", 50).file("a.txt", "a"));
  }

  private static HttpResponse<String> plan(String yaml) {
    return gateway.post("/v1/models:plan", "application/yaml", yaml);
  }

  private static JsonNode good(String yaml) {
    var answer = plan(yaml);
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return json(answer);
  }

  private static List<String> paths(JsonNode plan) {
    return plan.at("/repositories/0/files")
        .valueStream()
        .map(f -> f.path("path").asString())
        .toList();
  }

  private static List<String> stored() {
    var store = PLATFORM.storeOf(gateway);
    return Stream.of(StoreLayout.MODELS, StoreLayout.DATASETS, StoreLayout.RUNS)
        .flatMap(
            bucket -> {
              try (var objects = store.list(bucket, "")) {
                return objects.map(o -> bucket + "/" + o.key()).toList().stream();
              }
            })
        .toList();
  }

  @Test
  void saysWhatWouldBeFetchedAndWritesNothing() {
    var before = stored();

    var plan = good("{base_model: plan/pipeline}");

    assertThat(paths(plan))
        .containsExactly(
            "model_index.json",
            "scheduler/scheduler_config.json",
            "unet/config.json",
            "unet/diffusion_pytorch_model.safetensors",
            "vae/config.json",
            "vae/diffusion_pytorch_model.safetensors");
    var repository = plan.at("/repositories/0");
    assertThat(repository.path("role").asString()).isEqualTo("base_model");
    assertThat(repository.path("commit").asString()).hasSize(40);
    assertThat(repository.at("/files/3/size").asLong()).isEqualTo("the unet of plans".length());
    assertThat(repository.at("/files/3/digest").asString()).startsWith("sha256:");
    assertThat(repository.at("/files/3/present").asBoolean()).isFalse();
    assertThat(repository.at("/files/3/sources/0").asString())
        .isEqualTo(plan.at("/mirrors/0/name").asString());
    assertThat(plan.path("to_fetch_bytes").asLong())
        .isEqualTo(plan.path("bytes").asLong() - plan.path("present_bytes").asLong())
        .isGreaterThanOrEqualTo("the unet of plans".length());
    assertThat(plan.at("/mirrors/0/files").asInt()).isEqualTo(6);
    assertThat(stored()).isEqualTo(before);
  }

  @Test
  void estimatesFromWhatAProbeMeasured() {
    var size = 4_000_000L;
    PLATFORM
        .hub()
        .add(
            FakeRepo.model("plan/large")
                .file("config.json", "{}")
                .noise("model.safetensors", size));
    PLATFORM.hub().throttle(Throttle.NONE.connection(8_000_000));
    try (var measuring =
        PLATFORM.gateway("--hub.probe-repository=plan/large", "--gateway.instance=7")) {
      var request = "{base_model: plan/large}";
      var before = json(measuring.post("/v1/models:plan", "application/yaml", request));
      assertThat(before.at("/mirrors/0/estimated_seconds").isNull()).isTrue();

      measuring.post("/v1/mirrors/hub:probe", "", "");
      var plan = json(measuring.post("/v1/models:plan", "application/yaml", request));

      var hub = plan.at("/mirrors/0");
      long rate = hub.path("bytes_per_second").asLong();
      assertThat(rate).as(plan.toString()).isBetween(1L, 12_000_000L);
      assertThat(hub.path("estimated_seconds").asLong())
          .isEqualTo(Math.ceilDiv(size + 2, rate * 16));
      assertThat(hub.path("verdict").asString()).isIn("ok", "slow");
    } finally {
      PLATFORM.hub().throttle(Throttle.NONE);
    }
  }

  @Test
  void followsPresetsAndPatterns() {
    assertThat(paths(good("{model: {base_model: plan/pipeline, preset: everything}}")))
        .containsExactlyInAnyOrderElementsOf(Fetched.PIPELINE.keySet());
    var half = good("{base_model: plan/pipeline, preset: diffusers-fp16}");
    assertThat(paths(half))
        .contains("unet/diffusion_pytorch_model.fp16.safetensors")
        .doesNotContain("unet/diffusion_pytorch_model.safetensors")
        .contains("vae/diffusion_pytorch_model.safetensors");
    assertThat(half.at("/repositories/0/warnings/0").asString()).contains("vae", "fp16");
    assertThat(paths(good("{base_model: plan/pipeline, allow_patterns: ['unet/']}")))
        .allMatch(path -> path.startsWith("unet/"))
        .hasSize(4);
  }

  @Test
  void marksPicklesThatAreConverted() {
    var plan = good("{base_model: plan/pickled}");

    assertThat(plan.at("/repositories/0/files/1/path").asString()).isEqualTo("pytorch_model.bin");
    assertThat(plan.at("/repositories/0/files/1/converted").asBoolean()).isTrue();
    assertThat(plan.at("/repositories/0/files/0/converted").asBoolean()).isFalse();
  }

  @Test
  void plansAWholeDatasetRepository() {
    var plan = good("{base_model: datasets/plan/pictures}");

    assertThat(plan.at("/repositories/0/type").asString()).isEqualTo("dataset");
    assertThat(paths(plan)).contains("data/train.parquet", "a.txt");
  }

  @Test
  void saysWhatIsPresentAfterAFetch() throws Exception {
    Fetched.offer(FakeRepo.model("plan/fetched"), Fetched.PIPELINE);
    Fetched.keep(
        gateway,
        RepoType.MODEL,
        "plan/fetched",
        Fetched.PIPELINE,
        "unet/config.json",
        "unet/diffusion_pytorch_model.safetensors");

    var plan =
        good("{base_model: plan/fetched, allow_patterns: ['unet/*config.json', '*l.safetensors']}");

    assertThat(paths(plan)).hasSize(3);
    var files = plan.at("/repositories/0/files");
    assertThat(files.valueStream().filter(f -> f.path("present").asBoolean()))
        .extracting(f -> f.path("path").asString())
        .containsExactly("unet/config.json", "unet/diffusion_pytorch_model.safetensors");
    assertThat(plan.path("to_fetch_bytes").asLong()).isEqualTo("vae in full".length());
    assertThat(plan.path("present_bytes").asLong())
        .isEqualTo(plan.path("bytes").asLong() - "vae in full".length());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{base_model: plan/nowhere} | 422 | REPO_NOT_FOUND | /model/base_model",
        "{base_model: plan/pipeline@v9} | 422 | REVISION_NOT_FOUND | /model/base_model",
        "{base_model: plan/gated} | 403 | REPO_GATED | /model/base_model",
        "{base_model: plan/closed} | 403 | REPO_GATED | /model/base_model",
        "{base_model: datasets/plan/shut} | 403 | REPO_GATED | /model/base_model",
        "{base_model: plan/pipeline, pretrained_vae: plan/nowhere} | 422 | REPO_NOT_FOUND |"
            + " /model/pretrained_vae",
        "{base_model: plan/pipeline, allow_patterns: [nothing]} | 422 | FILE_FILTERED_OUT |"
            + " /model/base_model",
        "{base_model: plan/pipeline, use_mirror: nobody} | 400 | REQUEST_INVALID |"
            + " /model/base_model",
        "{model: {base_model: plan/pipeline}, dataset: {hub: plan/pictures, label: {labeler: none}}} | 501 |"
            + " NOT_SUPPORTED_YET | /dataset/hub",
        "{base_model: ../../etc/passwd} | 400 | MODEL_NOT_FOUND | /base_model",
        "{base_model: 'plan/a b'} | 400 | REQUEST_INVALID | /base_model",
        "{base_model: plan/pipeline@../x} | 400 | REQUEST_INVALID | /base_model",
        "{base_model: plan/pipeline, preset: all} | 400 | REQUEST_INVALID | /preset",
        "{base_model: plan/pipeline, presets: all} | 400 | REQUEST_INVALID | /presets",
      })
  void namesWhatIsWrong(String yaml, int status, String code, String pointer) {
    var answer = plan(yaml);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(answer.headers().firstValue("Content-Type")).contains("application/problem+json");
    assertThat(json(answer).path("code").asString()).isEqualTo(code);
    assertThat(json(answer).path("pointer").asString()).isEqualTo(pointer);
    assertThat(json(answer).path("detail").asString()).isNotBlank();
  }

  @Test
  void namesThePageOfAGatedRepository() {
    assertThat(json(plan("{base_model: plan/gated}")).path("hint").asString())
        .contains("/plan/gated");
  }

  @Test
  void readsNothingElseThanARequest() {
    assertThat(gateway.post("/v1/models:plan", "text/plain", "a").statusCode()).isEqualTo(415);
    assertThat(plan("[1]").statusCode()).isEqualTo(400);
    assertThat(plan("# " + "x".repeat(1 << 20)).statusCode()).isEqualTo(413);
  }

  @Test
  void putsThePlanIntoADryRun() {
    var answer =
        gateway.post("/v1/runs?dry_run=true", "application/yaml", "{base_model: plan/pipeline}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(json(answer).at("/download_plan/repositories/0/repo").asString())
        .isEqualTo("plan/pipeline");
    assertThat(json(answer).at("/download_plan/to_fetch_bytes").asLong()).isPositive();
    assertThat(json(answer).at("/download_plan/mirrors/0/missing_bytes").asLong()).isPositive();
    assertThat(json(answer).path("download_problem").isNull()).isTrue();
  }

  @Test
  void putsWhatATrainingComesToIntoADryRun() {
    var manifest =
        Json.bytes(
            new DatasetManifest(
                "estimated",
                List.of(
                    new DatasetManifest.Image(
                        "a.png", Sha256.sum(new byte[] {1}), 10, 600, 600, "a text", "user")),
                List.of(),
                null));
    var version = Sha256.sum(manifest);
    var key = StoreLayout.datasetVersion("estimated", version, "manifest.json");
    var object = new ObjectRef(StoreLayout.DATASETS, key, manifest.length, version);
    var store = Platform.get().storeOf(gateway);
    store.put(StoreLayout.DATASETS, key, manifest, "application/json");
    var latest = Json.bytes(new DatasetLatest("estimated", version, object));
    store.put(
        StoreLayout.DATASETS, StoreLayout.datasetLatest("estimated"), latest, "application/json");
    var request =
        "{base_model: plan/pipeline, train_data_dir: ./data/%s, dataset: {label: {labeler: none}},"
            + " epochs: 7, batch_size: 1}";

    var known =
        gateway.post("/v1/runs?dry_run=true", "application/yaml", request.formatted("estimated"));
    var unknown =
        gateway.post("/v1/runs?dry_run=true", "application/yaml", request.formatted("not-yet"));

    assertThat(json(known).at("/estimates/steps").asInt()).as(known.body()).isEqualTo(7);
    assertThat(json(known).at("/estimates/dataset_version").asString()).isEqualTo(version.hex());
    assertThat(json(unknown).at("/estimates/steps").isNull()).isTrue();
    assertThat(json(unknown).at("/estimates/batch_size").asInt()).isEqualTo(1);
  }

  /** The same gap, once with a stage that needs the file and once without. */
  @Test
  void aGapIsAProblemOfATrainingAndAWarningOfAMirror() {
    var model = "{base_model: plan/pipeline, ignore_patterns: ['unet/*']}";

    var training =
        gateway.post(
            "/v1/runs?dry_run=true",
            "application/yaml",
            "{model: %s, dataset: {name: none_yet}, train: {task: text-to-image}}"
                .formatted(model));
    var mirror =
        gateway.post("/v1/runs?dry_run=true", "application/yaml", "{model: %s}".formatted(model));

    assertThat(json(training).at("/download_problem/code").asString())
        .as(training.body())
        .isEqualTo("FILE_FILTERED_OUT");
    assertThat(json(training).at("/download_problem/detail").asString())
        .contains("unet/diffusion_pytorch_model.safetensors");
    assertThat(json(mirror).at("/download_plan/repositories/0/warnings/0").asString())
        .as(mirror.body())
        .contains("unet/diffusion_pytorch_model.safetensors");
  }

  @Test
  void aDryRunSaysWhyThereIsNoPlan() {
    var answer =
        gateway.post("/v1/runs?dry_run=true", "application/yaml", "{base_model: plan/gated}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(json(answer).path("download_plan").isNull()).isTrue();
    assertThat(json(answer).at("/download_problem/code").asString()).isEqualTo("REPO_GATED");
    assertThat(json(answer).at("/download_problem/pointer").asString())
        .isEqualTo("/model/base_model");
    assertThat(json(answer).at("/request/model/base_model").asString()).isEqualTo("plan/gated");
  }

  @Test
  void startsAndAnswersWhileTheHubIsAway() {
    try (var lonely =
        PLATFORM.gateway("--hub.endpoint=http://127.0.0.1:9", "--gateway.instance=9")) {
      var plan = lonely.post("/v1/models:plan", "application/yaml", "{base_model: a/b}");
      var dry = lonely.post("/v1/runs?dry_run=true", "application/yaml", "{base_model: a/b}");

      assertThat(plan.statusCode()).as(plan.body()).isEqualTo(503);
      assertThat(json(plan).path("code").asString()).isEqualTo("HUB_UNREACHABLE");
      assertThat(plan.headers().firstValue("Retry-After")).isPresent();
      assertThat(dry.statusCode()).isEqualTo(200);
      assertThat(json(dry).at("/download_problem/code").asString()).isEqualTo("HUB_UNREACHABLE");
    }
  }

  @Test
  void doesNotWaitForASlowHub() {
    Fetched.offer(FakeRepo.model("plan/slow"), Fetched.PIPELINE);
    PLATFORM.hub().fault("model_index.json", Fault.Stall.forEver(1), Integer.MAX_VALUE);
    try (var hasty = PLATFORM.gateway("--gateway.plan-timeout=300ms", "--gateway.instance=8")) {
      var plan = hasty.post("/v1/models:plan", "application/yaml", "{base_model: plan/slow}");

      assertThat(plan.statusCode()).as(plan.body()).isEqualTo(504);
      assertThat(json(plan).path("hint").asString()).contains("gateway.plan-timeout");
    } finally {
      PLATFORM.hub().behave();
    }
  }
}
