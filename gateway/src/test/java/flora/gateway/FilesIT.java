package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.run.Run;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.CheckpointManifest;
import flora.schemas.training.TrainingEvent;
import flora.store.ObjectStore;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class FilesIT {

  private static final Platform PLATFORM = Platform.get();
  private static final byte[] ADAPTER = bytes(100_000, 1);
  private static final byte[] AT_STEP_5 = bytes(1000, 2);
  private static Gateway gateway;
  private static ObjectStore store;
  private static Run run;

  @BeforeAll
  static void start() {
    gateway = PLATFORM.shared();
    store = PLATFORM.storeOf(gateway);
    run = gateway.submit("{name: files, model: {base_model: a/b}}");
    var adapter = keep("adapter/kohya/files.safetensors", ADAPTER);
    var early = keep("checkpoints/step-000005/adapter.safetensors", AT_STEP_5);
    var manifest =
        keep(
            "checkpoints/step-000005/manifest.json",
            Json.bytes(
                new CheckpointManifest(
                    5, List.of(new Artifact(CheckpointManifest.ADAPTER, early)))));
    PLATFORM.tell(
        new TrainingEvent.CheckpointSaved(run.id(), 1, 1, Instant.now(), 5, 0.5, manifest));
    PLATFORM.tell(
        new TrainingEvent.AdapterExported(
            run.id(),
            1,
            2,
            Instant.now(),
            new Artifact("adapter/kohya/files.safetensors", adapter)));
    run = gateway.await(run.id(), r -> r.artifacts().size() == 1 && r.checkpoints().size() == 1);
  }

  @ParameterizedTest
  @ValueSource(strings = {"application/x-www-form-urlencoded", "multipart/form-data; boundary=x"})
  void aBodyIsTakenAsItIsWhateverItIsCalled(String type) {
    var body = "100%) of &a=b+c".getBytes(StandardCharsets.UTF_8);

    var response =
        gateway.send(
            gateway
                .request("/v1/datasets/forms/images/a.png")
                .header("Content-Type", type)
                .PUT(BodyPublishers.ofByteArray(body)));

    assertThat(response.statusCode()).isEqualTo(201);
    assertThat(json(response).path("sha256").asString()).isEqualTo(Sha256.sum(body).hex());
  }

  @Test
  void servesAnArtifactWhole() {
    var response = gateway.bytes(gateway.request(run.artifacts().getFirst().url()));

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(ADAPTER);
    assertThat(response.headers().firstValue("ETag")).contains("\"" + digest(ADAPTER) + "\"");
    assertThat(response.headers().firstValue("Accept-Ranges")).contains("bytes");
    assertThat(response.headers().firstValue("Content-Disposition").orElseThrow())
        .startsWith("attachment")
        .contains("files.safetensors");
  }

  /** Before anybody has said that the training is done. */
  @Test
  void servesTheLogOfTheNewestAttempt() {
    for (long epoch : new long[] {9, 10}) {
      var key = StoreLayout.attempt(run.id(), epoch, "logs/metrics.jsonl");
      var line = "{\"step\":%d}\n".formatted(epoch).getBytes(StandardCharsets.UTF_8);
      store.put(StoreLayout.RUNS, key, line, "application/jsonl");
    }
    var files = "/v1/runs/%s/artifacts/".formatted(run.id());

    assertThat(gateway.get(files + "logs/metrics.jsonl").body()).isEqualTo("{\"step\":10}\n");
    assertThat(gateway.get(files + "logs/other.jsonl").statusCode()).isEqualTo(404);
    assertThat(gateway.get(files + "metrics.jsonl").statusCode()).isEqualTo(404);
  }

  @Test
  void servesAPreviewOfTheAttemptThatDrewIt() {
    var key = StoreLayout.attempt(run.id(), 3, "previews/step-000100-0.png");
    store.put(StoreLayout.RUNS, key, new byte[] {1, 2, 3}, "image/png");
    var files = "/v1/runs/%s/artifacts/".formatted(run.id());

    var picture = gateway.bytes(gateway.request(files + "previews/step-000100-0.png"));
    assertThat(picture.statusCode()).isEqualTo(200);
    assertThat(picture.body()).containsExactly(1, 2, 3);
    assertThat(gateway.get(files + "previews/../logs/metrics.jsonl").statusCode())
        .isNotEqualTo(200);
    assertThat(gateway.get(files + "previews/step-000200-0.png").statusCode()).isEqualTo(404);
  }

  @Test
  void servesRanges() {
    var url = run.artifacts().getFirst().url();

    var middle = gateway.bytes(gateway.request(url).header("Range", "bytes=10-19"));
    var tail = gateway.bytes(gateway.request(url).header("Range", "bytes=-5"));
    var beyond = gateway.get(url, "Range", "bytes=100000-");

    assertThat(middle.statusCode()).isEqualTo(206);
    assertThat(middle.headers().firstValue("Content-Range")).contains("bytes 10-19/100000");
    assertThat(middle.body()).isEqualTo(Arrays.copyOfRange(ADAPTER, 10, 20));
    assertThat(tail.body()).isEqualTo(Arrays.copyOfRange(ADAPTER, 99_995, 100_000));
    assertThat(beyond.statusCode()).isEqualTo(416);
    assertThat(beyond.headers().firstValue("Content-Range")).contains("bytes */100000");
  }

  @Test
  void answersConditions() {
    var url = run.artifacts().getFirst().url();
    var etag = "\"" + digest(ADAPTER) + "\"";

    assertThat(gateway.get(url, "If-None-Match", etag).statusCode()).isEqualTo(304);
    var changed =
        gateway.bytes(
            gateway.request(url).headers("Range", "bytes=0-3", "If-Range", "\"something else\""));
    assertThat(changed.statusCode()).isEqualTo(200);
    var head =
        gateway.send(
            gateway.request(url).method("HEAD", java.net.http.HttpRequest.BodyPublishers.noBody()));
    assertThat(head.headers().firstValue("Content-Length")).contains("100000");
  }

  @Test
  void servesTheAdapterOfACheckpoint() {
    var response = gateway.bytes(gateway.request(run.checkpoints().getFirst().url()));

    assertThat(response.body()).isEqualTo(AT_STEP_5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "adapter/kohya/other.safetensors",
        "request.json",
        "checkpoints/step-000005/optimizer.safetensors",
        "checkpoints/step-000005/..%2F..%2Frequest.json",
        "%2e%2e/request.json"
      })
  void servesNothingThatTheRunDidNotTellOf(String name) {
    var response = gateway.get("/v1/runs/" + run.id() + "/artifacts/" + name);

    assertThat(response.statusCode()).isEqualTo(404);
  }

  @Test
  void takesAPictureWithItsOriginalName() {
    var picture = bytes(5000, 3);

    var response = gateway.put("/v1/datasets/uploads/images/Bild%20%C3%BC%20%281%29.PNG", picture);

    assertThat(response.statusCode()).isEqualTo(201);
    assertThat(json(response).path("sha256").asString()).isEqualTo(digest(picture).hex());
    assertThat(json(response).path("name").asString()).isEqualTo("Bild ü (1).PNG");
    var stored = store.read(StoreLayout.DATASETS, "incoming/uploads/Bild ü (1).PNG").orElseThrow();
    assertThat(stored.bytes()).isEqualTo(picture);
    assertThat(store.head(StoreLayout.DATASETS, StoreLayout.datasetManaged("uploads"))).isPresent();
  }

  @Test
  void takesALargePictureInPartsAndRefusesATooLargeOne() {
    var large = bytes(9 << 20, 4);

    var taken = gateway.put("/v1/datasets/uploads/images/large.png", large);
    var refused = gateway.put("/v1/datasets/uploads/images/huge.png", new byte[13 << 20]);

    assertThat(taken.statusCode()).isEqualTo(201);
    assertThat(json(taken).path("sha256").asString()).isEqualTo(digest(large).hex());
    assertThat(store.head(StoreLayout.DATASETS, "incoming/uploads/large.png").orElseThrow().size())
        .isEqualTo(large.length);
    assertThat(refused.statusCode()).isEqualTo(413);
    assertThat(store.head(StoreLayout.DATASETS, "incoming/uploads/huge.png")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "/v1/datasets/Upper/images/a.png",
        "/v1/datasets/uploads/images/a%2Fb.png",
        "/v1/datasets/uploads/images/..%5Ca.png",
        "/v1/datasets/uploads/images/.hidden.png",
        "/v1/datasets/uploads/images/a.exe",
        "/v1/datasets/uploads/images/a%00.png"
      })
  void refusesNamesThatAreNone(String path) {
    var response = gateway.put(path, new byte[] {1});

    assertThat(response.statusCode()).isEqualTo(400);
  }

  @Test
  void servesTheCaptionsOfTheNewestVersion() {
    var version = digest(ADAPTER);
    var csv = "file_name,text\na.png,a cat\n".getBytes(StandardCharsets.UTF_8);
    assertThat(gateway.get("/v1/datasets/captions/metadata.csv").statusCode()).isEqualTo(404);

    store.put(
        StoreLayout.DATASETS,
        StoreLayout.datasetVersion("captions", version, "metadata.csv"),
        csv,
        "text/csv");
    store.put(
        StoreLayout.DATASETS,
        StoreLayout.datasetLatest("captions"),
        Json.bytes(
            new DatasetLatest(
                "captions", version, new ObjectRef(StoreLayout.DATASETS, "m", 1, version))),
        "application/json");

    var response = gateway.bytes(gateway.request("/v1/datasets/captions/metadata.csv"));
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(response.body()).isEqualTo(csv);
  }

  private static ObjectRef keep(String file, byte[] content) {
    var key = StoreLayout.attempt(run.id(), 1, file);
    store.put(StoreLayout.RUNS, key, content, "application/octet-stream");
    return new ObjectRef(StoreLayout.RUNS, key, content.length, digest(content));
  }

  private static byte[] bytes(int length, long seed) {
    var bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static Sha256 digest(byte[] bytes) {
    try {
      return Sha256.of(MessageDigest.getInstance("SHA-256").digest(bytes));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
