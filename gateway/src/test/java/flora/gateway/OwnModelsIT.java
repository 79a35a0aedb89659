package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.fakehub.FakeRepo;
import flora.hub.RepoType;
import flora.schemas.Sha256;
import flora.schemas.store.StoreLayout;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.Random;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Models that are uploaded. */
class OwnModelsIT {

  private static final int PART = 16 << 20;
  private static final byte[] SMALL = tensors(100, 1);
  private static final byte[] LARGE = tensors(2 * PART + 12_345, 2);
  private static Gateway gateway;

  @BeforeAll
  static void start() {
    gateway = Platform.get().shared();
  }

  /** A sound file with one tensor of so many bytes. */
  private static byte[] tensors(int size, int seed) {
    var header =
        "{\"model.diffusion_model.x\":{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(size, size)
            .getBytes(StandardCharsets.UTF_8);
    var data = new byte[size];
    new Random(seed).nextBytes(data);
    return ByteBuffer.allocate(8 + header.length + size)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(header.length)
        .put(header)
        .put(data)
        .array();
  }

  private static HttpResponse<String> put(String path, byte[] body, String... headers) {
    var request = gateway.request("/v1/models/" + path).PUT(BodyPublishers.ofByteArray(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return gateway.send(request);
  }

  private static long offset(String path, String... headers) {
    var request = gateway.request("/v1/models/" + path).method("HEAD", BodyPublishers.noBody());
    if (headers.length > 0) {
      request.headers(headers);
    }
    return gateway.send(request).headers().firstValueAsLong("Upload-Offset").orElse(-1);
  }

  @Test
  void anUploadedFileIsAModelThatNoHubIsAskedFor() {
    var answer = put("small/files/small.safetensors", SMALL);

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    assertThat(json(answer).path("sha256").asString()).isEqualTo(Sha256.sum(SMALL).hex());
    var commit = json(answer).path("commit").asString();
    assertThat(commit).matches("[0-9a-f]{40}");
    var model = json(gateway.get("/v1/models/small"));
    assertThat(model.path("commit").asString()).isEqualTo(commit);
    assertThat(model.at("/files/0/path").asString()).isEqualTo("small.safetensors");
    var plan =
        json(
            gateway.post(
                "/v1/models:plan",
                "application/yaml",
                "{model: {base_model: small}, dataset: {name: some, label: {labeler: none}}}"));
    assertThat(plan.at("/repositories/0/listed_by").asString()).isEqualTo("store");
    assertThat(plan.at("/repositories/0/files/0/path").asString()).isEqualTo("small.safetensors");
    assertThat(plan.path("to_fetch_bytes").asLong(-1)).isZero();
    assertThat(gateway.bytes(gateway.request("/v1/models/_/small/files/small.safetensors")).body())
        .isEqualTo(SMALL);
  }

  @Test
  void anUploadThatBreaksGoesOnWhereItWas() throws Exception {
    var path = "large/files/large.safetensors";
    var digest = Sha256.sum(LARGE);
    try (var socket = new Socket("127.0.0.1", gateway.root().getPort())) {
      var out = socket.getOutputStream();
      out.write(
          "PUT /v1/models/%s HTTP/1.1\r\nHost: here\r\nContent-Length: %d\r\n\r\n"
              .formatted(path, LARGE.length)
              .getBytes(StandardCharsets.UTF_8));
      out.write(LARGE, 0, PART + 1000);
      out.flush();
      Awaitility.await()
          .atMost(Duration.ofSeconds(20))
          .pollInterval(Duration.ofMillis(50))
          .until(() -> offset(path) == PART);
    }

    assertThat(gateway.get("/v1/models/large").statusCode()).isEqualTo(404);
    var store = Platform.get().storeOf(gateway);
    assertThat(store.head(StoreLayout.MODELS, StoreLayout.blob(digest))).isEmpty();
    var rest = Arrays.copyOfRange(LARGE, PART, LARGE.length);
    var wrong = put(path, new byte[10], "Content-Range", "bytes 5-14/" + LARGE.length);
    assertThat(wrong.statusCode()).isEqualTo(409);
    assertThat(wrong.headers().firstValue("Upload-Offset")).contains(Integer.toString(PART));
    var answer =
        put(
            path,
            rest,
            "Content-Range",
            "bytes %d-%d/%d".formatted(PART, LARGE.length - 1, LARGE.length),
            "X-Sha256",
            digest.hex());

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(201);
    assertThat(json(answer).path("sha256").asString()).isEqualTo(digest.hex());
    assertThat(gateway.get("/v1/models/large").statusCode()).isEqualTo(200);
    assertThat(store.read(StoreLayout.MODELS, StoreLayout.verified(digest))).isPresent();
    try (var blob = store.open(StoreLayout.MODELS, StoreLayout.blob(digest))) {
      assertThat(Sha256.sum(blob.readAllBytes())).isEqualTo(digest);
    }
    try (var left = store.list(StoreLayout.MODELS, StoreLayout.UPLOADS)) {
      assertThat(left.filter(o -> o.size() >= PART)).isEmpty();
    }
    // the same bytes under another name need not be sent
    assertThat(offset("again/files/a.safetensors", "X-Sha256", digest.hex()))
        .isEqualTo(LARGE.length);
    var again =
        put(
            "again/files/a.safetensors",
            new byte[0],
            "Content-Range",
            "bytes */" + LARGE.length,
            "X-Sha256",
            digest.hex());
    assertThat(again.statusCode()).as(again.body()).isEqualTo(201);
    assertThat(gateway.get("/v1/models/again").statusCode()).isEqualTo(200);
  }

  @Test
  void aPartThatCameByItselfIsKept() {
    var path = "pieces/files/pieces.safetensors";
    var first =
        put(
            path,
            Arrays.copyOf(LARGE, PART),
            "Content-Range",
            "bytes 0-%d/%d".formatted(PART - 1, LARGE.length));
    assertThat(first.statusCode()).isEqualTo(202);
    assertThat(first.headers().firstValue("Upload-Offset")).contains(Integer.toString(PART));

    var wrong =
        put(
            path,
            Arrays.copyOfRange(LARGE, PART, LARGE.length),
            "Content-Range",
            "bytes %d-%d/%d".formatted(PART, LARGE.length - 1, LARGE.length),
            "X-Sha256",
            "0".repeat(64));

    assertThat(wrong.statusCode()).isEqualTo(422);
    assertThat(json(wrong).path("code").asString()).isEqualTo("CHECKSUM_MISMATCH");
    assertThat(gateway.get("/v1/models/pieces").statusCode()).isEqualTo(404);
    assertThat(offset(path)).isZero();
  }

  @Test
  void aFolderIsThereWithItsLastFile() {
    var config = "{\"unet\": 7}".getBytes(StandardCharsets.UTF_8);
    assertThat(put("folder/files/unet/config.json?more=true", config).statusCode()).isEqualTo(201);
    assertThat(gateway.get("/v1/models/folder").statusCode()).isEqualTo(404);
    var index = "{}".getBytes(StandardCharsets.UTF_8);
    var first = json(put("folder/files/model_index.json", index)).path("commit").asString();

    assertThat(json(gateway.get("/v1/models/folder")).path("files")).hasSize(2);
    var second = json(put("folder/files/one.safetensors", SMALL)).path("commit").asString();
    assertThat(second).isNotEqualTo(first);
    assertThat(json(gateway.get("/v1/models/folder")).path("files")).hasSize(1);
  }

  @Test
  void aModelGoesUnlessARunNeedsIt() {
    put("gone/files/gone.safetensors", SMALL);
    var run = gateway.submit("{name: keeps-gone, model: {base_model: gone}}");

    var needed = gateway.send(gateway.request("/v1/models/gone").DELETE());
    assertThat(needed.statusCode()).isEqualTo(409);
    gateway.post("/v1/runs/%s/cancel".formatted(run.id()), "", "");
    gateway.await(run.id(), r -> r.status().isTerminal());

    assertThat(gateway.send(gateway.request("/v1/models/gone").DELETE()).statusCode())
        .isEqualTo(204);
    assertThat(gateway.get("/v1/models/gone").statusCode()).isEqualTo(404);
    assertThat(gateway.send(gateway.request("/v1/models/gone").DELETE()).statusCode())
        .isEqualTo(404);
  }

  @Test
  void aNameOfAHubsRepositoryIsTaken() throws Exception {
    var files = Map.of("config.json", "{}");
    Fetched.offer(FakeRepo.model("taken-name"), files);
    Fetched.keep(gateway, RepoType.MODEL, "taken-name", files, "config.json");

    assertThat(put("taken-name/files/a.safetensors", SMALL).statusCode()).isEqualTo(409);
    assertThat(gateway.send(gateway.request("/v1/models/taken-name").DELETE()).statusCode())
        .isEqualTo(409);
  }

  @ParameterizedTest
  @CsvSource({
    "odd/files/a.ckpt, 400, PICKLE_REFUSED",
    "odd/files/a.CKPT, 400, PICKLE_REFUSED",
    "odd/files/a.png, 400, REQUEST_INVALID",
    "odd/files/a.SAFETENSORS, 400, REQUEST_INVALID",
    "odd/files/a/b/c/d.json, 400, REQUEST_INVALID",
    "odd/files/.a.json, 400, REQUEST_INVALID",
    "Odd/files/a.json, 400, REQUEST_INVALID",
    "o--d/files/a.json, 400, REQUEST_INVALID",
    "odd/files/a.safetensors, 422, SAFETENSORS_MALFORMED"
  })
  void whatIsNoFileOfAModelIsRefused(String path, int status, String code) {
    var answer = put(path, "no tensors at all".getBytes(StandardCharsets.UTF_8));

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(status);
    assertThat(json(answer).path("code").asString()).isEqualTo(code);
    assertThat(json(answer).path("hint").asString("")).isNotNull();
  }

  @Test
  void aFileThatWasCutIsToldBeforeAllOfItIsSent() {
    var cut = Arrays.copyOf(SMALL, SMALL.length - 1);

    var answer = put("cut/files/cut.safetensors", cut);

    assertThat(answer.statusCode()).isEqualTo(422);
    assertThat(json(answer).path("detail").asString()).contains("by its header");
  }

  @Test
  void bytesThatLieThereAsAnotherKindOfFileAreCheckedToo() {
    var text = "{\"no\": \"tensors\"}".getBytes(StandardCharsets.UTF_8);
    assertThat(put("text/files/a.json", text).statusCode()).isEqualTo(201);

    var answer =
        put(
            "disguised/files/a.safetensors",
            new byte[0],
            "Content-Range",
            "bytes */" + text.length,
            "X-Sha256",
            Sha256.sum(text).hex());

    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(422);
    assertThat(json(answer).path("code").asString()).isEqualTo("SAFETENSORS_MALFORMED");
    assertThat(gateway.get("/v1/models/disguised").statusCode()).isEqualTo(404);
  }

  @Test
  void partsOfAFileWithAnotherDigestCountAsNone() {
    var path = "other/files/other.safetensors";
    var one = tensors(2 * PART, 3);
    var other = tensors(2 * PART, 4);
    var digest = Sha256.sum(other).hex();
    put(
        path,
        Arrays.copyOf(one, PART),
        "Content-Range",
        "bytes 0-%d/%d".formatted(PART - 1, one.length),
        "X-Sha256",
        Sha256.sum(one).hex());

    assertThat(offset(path, "X-Sha256", Sha256.sum(one).hex())).isEqualTo(PART);
    assertThat(offset(path, "X-Sha256", digest)).isZero();
    var rest =
        put(
            path,
            Arrays.copyOfRange(other, PART, other.length),
            "Content-Range",
            "bytes %d-%d/%d".formatted(PART, other.length - 1, other.length),
            "X-Sha256",
            digest);
    assertThat(rest.statusCode()).isEqualTo(409);
    assertThat(rest.headers().firstValue("Upload-Offset")).contains("0");
    assertThat(put(path, other, "X-Sha256", digest).statusCode()).isEqualTo(201);
  }
}
