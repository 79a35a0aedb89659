package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;

import flora.schemas.ErrorCode;
import flora.schemas.Failure;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.Stage;
import flora.schemas.dataset.CaptionEdit;
import flora.schemas.dataset.DatasetLatest;
import flora.schemas.dataset.DatasetListing;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.label.LabelEvent;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DatasetsIT {

  private static final String CSV =
      "file_name,text\na.jpg,\"a cat, sitting\"\na.png,a dog\nsub/b.png,a bird\n";

  private static Gateway gateway;
  private static ObjectStore store;

  @BeforeAll
  static void start() {
    gateway = Platform.get().shared();
    store = Platform.get().storeOf(gateway);
  }

  @Test
  void anEditIsSeenInEveryFormAtOnce() throws IOException {
    version("forms", CSV);

    var edited = patch("forms", "sub/b.png", "an owl,\n\"awake\"");

    assertThat(edited.statusCode()).isEqualTo(200);
    assertThat(body("forms", "metadata.csv"))
        .isEqualTo(
            "file_name,text\na.jpg,\"a cat, sitting\"\na.png,a dog\n"
                + "sub/b.png,\"an owl,\n\"\"awake\"\"\"\n");
    assertThat(body("forms", "metadata.jsonl").lines())
        .last()
        .isEqualTo("{\"file_name\":\"sub/b.png\",\"text\":\"an owl,\\n\\\"awake\\\"\"}");
    var rows = body("forms", "labels.jsonl").lines().map(Json.mapper()::readTree).toList();
    assertThat(rows.get(2).path("text").asString()).startsWith("an owl");
    assertThat(rows.get(2).path("source").asString()).isEqualTo("edit");
    assertThat(rows.get(2).path("recipe").isNull()).isTrue();
    assertThat(rows.get(1).path("source").asString()).isEqualTo("clip");
    assertThat(zip("forms"))
        .containsExactly(
            Map.entry("a.txt", "a cat, sitting\n"),
            Map.entry("a.png.txt", "a dog\n"),
            Map.entry("sub/b.txt", "an owl,\n\"awake\"\n"));
  }

  /** Between two versions the edit lies where the labeler looks for it. */
  @Test
  void anEditIsKeptForTheNextVersion() {
    version("kept", CSV);

    patch("kept", "a.png", "  a wolf ");

    var stored =
        store.read(StoreLayout.DATASETS, StoreLayout.captionEdit("kept", "a.png")).orElseThrow();
    var edit = Json.read(stored.bytes(), CaptionEdit.class);
    assertThat(edit.fileName()).isEqualTo("a.png");
    assertThat(edit.text()).isEqualTo("a wolf");
    version("kept", "file_name,text\na.png,a machine's word\n");
    assertThat(body("kept", "metadata.csv")).isEqualTo("file_name,text\na.png,a wolf\n");
  }

  @Test
  void anEditThatIsTakenBackIsOver() {
    version("back", CSV);
    patch("back", "a.png", "a wolf");

    assertThat(delete("back", "a.png").statusCode()).isEqualTo(204);

    assertThat(body("back", "metadata.csv")).isEqualTo(CSV);
    assertThat(delete("back", "a.png").statusCode()).isEqualTo(404);
    assertThat(patch("back", "a.png", "a fox").statusCode()).isEqualTo(200);
    assertThat(json(caption("back", "a.png")).path("text").asString()).isEqualTo("a fox");
  }

  @Test
  void whoeverEditsWhatHasChangedIsTold() {
    version("race", CSV);
    var seen = caption("race", "a.png").headers().firstValue("ETag").orElseThrow();

    var first = patch("race", "a.png", "mine", "If-Match", seen);
    var second = patch("race", "a.png", "yours", "If-Match", seen);

    assertThat(first.statusCode()).isEqualTo(200);
    assertThat(second.statusCode()).isEqualTo(412);
    assertThat(json(caption("race", "a.png")).path("text").asString()).isEqualTo("mine");
    var now = first.headers().firstValue("ETag").orElseThrow();
    assertThat(patch("race", "a.png", "yours", "If-Match", now).statusCode()).isEqualTo(200);
  }

  @Test
  void ofManyWhoEditWhatTheySawOneWins() throws Exception {
    version("many", CSV);
    var seen = caption("many", "a.png").headers().firstValue("ETag").orElseThrow();

    try (var people = Executors.newVirtualThreadPerTaskExecutor()) {
      var all =
          IntStream.range(0, 8)
              .mapToObj(
                  i -> people.submit(() -> patch("many", "a.png", "by " + i, "If-Match", seen)))
              .toList();
      int won = 0;
      for (var one : all) {
        won += one.get().statusCode() == 200 ? 1 : 0;
      }
      assertThat(won).isEqualTo(1);
    }
  }

  @Test
  void aPictureThatWaitsForItsFirstLabellingCanBeCaptioned() {
    gateway.put("/v1/datasets/early/images/a.png", new byte[] {1});

    assertThat(caption("early", "a.png").statusCode()).isEqualTo(404);
    assertThat(patch("early", "b.png", "x").statusCode()).isEqualTo(404);
    assertThat(patch("early", "a.png", "x").statusCode()).isEqualTo(200);
    assertThat(json(caption("early", "a.png")).path("edited").asBoolean()).isTrue();
  }

  @Test
  void classesStayInTheTable() {
    var csv = "file_name,text,label\na.png,a dog,dog\nb.png,,\"\"\n";
    version("classes", csv);

    patch("classes", "a.png", "a wolf");

    assertThat(body("classes", "metadata.csv"))
        .isEqualTo("file_name,text,label\na.png,a wolf,dog\nb.png,\"\",\"\"\n");
  }

  @Test
  void theReportIsThatOfTheNewestVersion() {
    version("report", CSV);
    assertThat(gateway.get("/v1/datasets/report/report").statusCode()).isEqualTo(404);

    var sample = resource("/schemas/samples/dataset-report.v1.json");
    var digest = Sha256.sum(CSV.getBytes(StandardCharsets.UTF_8));
    put(StoreLayout.datasetVersion("report", digest, "report.json"), sample);

    assertThat(json(gateway.get("/v1/datasets/report/report")))
        .isEqualTo(Json.mapper().readTree(sample));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{}",
        "[]",
        "nonsense",
        "{\"text\":\" \"}",
        "{\"text\":5}",
        "{\"text\":null}",
        "{\"text\":\"half of a character: \\ud83e\"}",
        "{\"text\":\"a\",\"label\":\"b\"}"
      })
  void refusesWhatIsNoCaption(String body) {
    version("refused", CSV);

    var request =
        gateway
            .request("/v1/datasets/refused/captions/a.png")
            .method("PATCH", BodyPublishers.ofString(body))
            .header("Content-Type", "application/json");

    assertThat(gateway.send(request).statusCode()).isEqualTo(400);
    assertThat(body("refused", "metadata.csv")).isEqualTo(CSV);
  }

  @ParameterizedTest
  @CsvSource({
    "Upper,a.png,400",
    "refused,a%00.png,400",
    "refused,sub//b.png,400",
    "refused,none.png,404"
  })
  void refusesNamesThatNameNothing(String dataset, String file, int status) {
    version("refused", CSV);

    assertThat(patch(dataset, file, "x").statusCode()).isEqualTo(status);
  }

  @Test
  void aNameInAnArchiveNeverLeadsOutOfIt() throws IOException {
    version("outside", "file_name,text\n../../a.png,a\n/b.png,b\nC:/c.png,c\n");

    assertThat(zip("outside").keySet()).containsExactly("_/_/a.txt", "_/b.txt", "_/c.txt");
  }

  @Test
  void aTableIsTakenOnlyWhenItIsOne() {
    var good = "filename,prompt\na.png,\"x, y\"\nb.png,z\n".getBytes(StandardCharsets.UTF_8);

    var taken = gateway.put("/v1/datasets/tables/files/my%20captions.csv", good);
    var bad = gateway.put("/v1/datasets/tables/files/x.jsonl", "{}\n".getBytes());
    var latin = gateway.put("/v1/datasets/tables/files/x.csv", new byte[] {(byte) 0xE9, '\n'});

    assertThat(taken.statusCode()).isEqualTo(201);
    assertThat(json(taken).path("rows").asInt()).isEqualTo(2);
    assertThat(store.read(StoreLayout.DATASETS, "incoming/tables/metadata.csv").get().bytes())
        .isEqualTo(good);
    assertThat(bad.statusCode()).isEqualTo(400);
    assertThat(json(bad).path("detail").asString()).contains("metadata.jsonl, line 1");
    assertThat(latin.statusCode()).isEqualTo(400);
    assertThat(json(latin).path("detail").asString()).contains("UTF-8");
    assertThat(store.head(StoreLayout.DATASETS, "incoming/tables/metadata.jsonl")).isEmpty();
  }

  @Test
  void anArchiveIsUnpackedWithItsFolders() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("cats/a.png"));
      zip.write(new byte[] {1, 2});
      zip.putNextEntry(new ZipEntry("cats/metadata.jsonl"));
      zip.write("{\"file_name\":\"a.png\",\"text\":\"x\"}\n".getBytes());
      zip.putNextEntry(new ZipEntry("notes.doc"));
      zip.write(1);
    }

    var taken = gateway.put("/v1/datasets/packed/files/all.zip", bytes.toByteArray());

    assertThat(taken.statusCode()).isEqualTo(201);
    assertThat(json(taken).path("files").asInt()).isEqualTo(2);
    assertThat(json(taken).path("skipped").get(0).asString()).isEqualTo("notes.doc");
    assertThat(store.read(StoreLayout.DATASETS, "incoming/packed/cats/a.png").get().bytes())
        .containsExactly(1, 2);
    assertThat(store.head(StoreLayout.DATASETS, "incoming/packed/notes.doc")).isEmpty();
  }

  @Test
  void nothingOfAnArchiveIsStoredThatLeadsAstray() throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      zip.putNextEntry(new ZipEntry("a.png"));
      zip.write(1);
      zip.putNextEntry(new ZipEntry("../other/b.png"));
      zip.write(1);
    }

    var refused = gateway.put("/v1/datasets/astray/files/all.zip", bytes.toByteArray());

    assertThat(refused.statusCode()).isEqualTo(400);
    assertThat(store.head(StoreLayout.DATASETS, "incoming/astray/a.png")).isEmpty();
    assertThat(store.head(StoreLayout.DATASETS, "incoming/other/b.png")).isEmpty();
  }

  /** A dataset of one picture, and the report of who has looked at it. */
  private static DatasetReport lookedAt(String dataset) {
    gateway.put("/v1/datasets/%s/images/a.png".formatted(dataset), new byte[] {1});
    var key = StoreLayout.incoming(dataset) + "a.png";
    var file = store.head(StoreLayout.DATASETS, key).orElseThrow();
    var listing = new DatasetListing();
    listing.add(file.key(), file.size(), file.etag());
    var digest = listing.finish();
    var report = new DatasetReport(dataset, null, digest, 1, 0, 0, 0, Map.of(), 512, List.of());
    put(StoreLayout.datasetReport(dataset, digest), Json.bytes(report));
    return report;
  }

  @Test
  void whoAsksForTheReportOfFilesThatWereLookedAtHasItAtOnce() {
    var report = lookedAt("looked");

    var known = validate("looked");

    assertThat(known.statusCode()).isEqualTo(200);
    assertThat(Json.mapper().readValue(known.body(), DatasetReport.class)).isEqualTo(report);
  }

  /** A report of other files than those that lie there now says nothing of them. */
  @Test
  void filesThatNobodyHasLookedAtNeedARun() {
    gateway.put("/v1/datasets/unlooked/images/a.png", new byte[] {1});
    var report =
        new DatasetReport(
            "unlooked", null, Sha256.sum(new byte[0]), 1, 0, 0, 0, Map.of(), 512, List.of());
    put(StoreLayout.datasetReport("unlooked", report.listing()), Json.bytes(report));

    var first = validate("unlooked");
    var second = validate("unlooked");

    assertThat(first.statusCode()).isEqualTo(202);
    var run = Json.mapper().readValue(first.body(), Run.class);
    assertThat(run.request().dataset().checkOnly()).isTrue();
    assertThat(run.stages().get(Stage.FETCH).status()).isEqualTo(StageState.Status.SKIPPED);
    assertThat(first.headers().firstValue("Location")).contains("/v1/runs/" + run.id());
    assertThat(json(second).path("id").asString()).isEqualTo(run.id().value());

    Platform.get()
        .tell(
            new LabelEvent.Failed(
                run.id(), 1, 1, Instant.now(), new Failure(ErrorCode.DATASET_EMPTY, "no", null)));
    gateway.await(run.id(), r -> r.status().isTerminal());
    assertThat(json(validate("unlooked")).path("id").asString()).isNotEqualTo(run.id().value());
  }

  /** Who mends a caption and asks again is not told what was wrong before. */
  @Test
  void aReportOfOtherCaptionsIsNotTheReport() {
    var digest = lookedAt("mended").listing();
    assertThat(validate("mended").statusCode()).isEqualTo(200);
    assertThat(patch("mended", "a.png", "shorter").statusCode()).isEqualTo(200);

    var asked = validate("mended");

    assertThat(asked.statusCode()).isEqualTo(202);
    var run = Json.mapper().readValue(asked.body(), Run.class);
    Platform.get()
        .tell(
            new LabelEvent.Completed(
                run.id(),
                1,
                1,
                Instant.now(),
                "mended",
                null,
                1,
                0,
                null,
                new ObjectRef(
                    StoreLayout.DATASETS, StoreLayout.datasetReport("mended", digest), 1, digest),
                null,
                0L,
                null));
    gateway.await(run.id(), r -> r.status().isTerminal());
    assertThat(validate("mended").statusCode()).isEqualTo(200);
  }

  private static HttpResponse<String> validate(String dataset) {
    return gateway.post("/v1/datasets/" + dataset + ":validate", "", "");
  }

  private static void version(String dataset, String csv) {
    var bytes = csv.getBytes(StandardCharsets.UTF_8);
    var digest = Sha256.sum(bytes);
    put(StoreLayout.datasetVersion(dataset, digest, "metadata.csv"), bytes);
    var labels = new StringBuilder();
    csv.lines()
        .skip(1)
        .forEach(
            line ->
                labels
                    .append("{\"file_name\":\"%s\",\"text\":\"\",".formatted(line.split(",")[0]))
                    .append("\"source\":\"clip\",\"recipe\":\"x\",\"cut_tokens\":3}\n"));
    put(
        StoreLayout.datasetVersion(dataset, digest, "labels.jsonl"),
        labels.toString().getBytes(StandardCharsets.UTF_8));
    var manifest = new ObjectRef(StoreLayout.DATASETS, "m", 1, digest);
    put(
        StoreLayout.datasetLatest(dataset),
        Json.bytes(new DatasetLatest(dataset, digest, manifest)));
  }

  private static void put(String key, byte[] bytes) {
    store.put(StoreLayout.DATASETS, key, bytes, "application/octet-stream");
  }

  private static HttpResponse<String> caption(String dataset, String file) {
    return gateway.get("/v1/datasets/%s/captions/%s".formatted(dataset, file));
  }

  private static HttpResponse<String> patch(
      String dataset, String file, String text, String... headers) {
    var request =
        gateway
            .request("/v1/datasets/%s/captions/%s".formatted(dataset, file))
            .method("PATCH", BodyPublishers.ofByteArray(Json.bytes(Map.of("text", text))))
            .header("Content-Type", "application/json");
    return gateway.send(headers.length == 0 ? request : request.headers(headers));
  }

  private static HttpResponse<String> delete(String dataset, String file) {
    return gateway.send(
        gateway.request("/v1/datasets/%s/captions/%s".formatted(dataset, file)).DELETE());
  }

  private static String body(String dataset, String file) {
    var response = gateway.bytes(gateway.request("/v1/datasets/" + dataset + "/" + file));
    assertThat(response.statusCode()).isEqualTo(200);
    return new String(response.body(), StandardCharsets.UTF_8);
  }

  private static Map<String, String> zip(String dataset) throws IOException {
    var response = gateway.bytes(gateway.request("/v1/datasets/" + dataset + "/captions.zip"));
    var files = new LinkedHashMap<String, String>();
    try (var zip = new ZipInputStream(new ByteArrayInputStream(response.body()))) {
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        files.put(entry.getName(), new String(zip.readAllBytes(), StandardCharsets.UTF_8));
      }
    }
    return files;
  }

  private static byte[] resource(String name) {
    try (var in = DatasetsIT.class.getResourceAsStream(name)) {
      return in.readAllBytes();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
