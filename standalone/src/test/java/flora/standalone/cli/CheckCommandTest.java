package flora.standalone.cli;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import flora.schemas.Json;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.dataset.DatasetReport.Finding;
import flora.schemas.dataset.DatasetReport.Severity;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** {@code flora check} as somebody types it, against an HTTP server that answers as a gateway. */
class CheckCommandTest {

  private static final String RUN = "run_01KDWQ3V00ABCDEFGHJKMNPQRS";

  @TempDir Path here;

  private HttpServer gateway;

  /** What was uploaded: names in the dataset and their bytes, those in archives taken apart. */
  private final Map<String, byte[]> uploaded = new TreeMap<>();

  private final List<String> order = new ArrayList<>();
  private @Nullable String table;
  private DatasetReport report = report();
  private boolean begins;
  private String ended = "succeeded";
  private String out = "";
  private String err = "";

  @BeforeEach
  void start() throws IOException {
    gateway = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    gateway.createContext("/readyz", exchange -> answer(exchange, 200, ""));
    gateway.createContext("/v1/datasets/pets/files/metadata.csv", this::takeFile);
    gateway.createContext("/v1/datasets/pets/images/", this::takeFile);
    gateway.createContext("/v1/datasets/pets/files/upload.zip", this::takeArchive);
    gateway.createContext(
        "/v1/datasets/pets/metadata.csv",
        exchange -> answer(exchange, table == null ? 404 : 200, table == null ? "{}" : table));
    gateway.createContext("/v1/datasets/pets:validate", this::validate);
    gateway.createContext("/v1/runs/" + RUN + "/events", exchange -> answer(exchange, 200, ""));
    gateway.createContext("/v1/runs/" + RUN, exchange -> answer(exchange, 200, run()));
    gateway.start();
  }

  @AfterEach
  void stop() {
    gateway.stop(0);
  }

  /** Answers at once, or after the run that it begins first. */
  private void validate(HttpExchange exchange) throws IOException {
    if (begins) {
      begins = false;
      exchange.getResponseHeaders().add("Location", "/v1/runs/" + RUN);
      answer(exchange, 202, run());
    } else {
      answer(exchange, 200, new String(Json.bytes(report), UTF_8));
    }
  }

  private String run() throws IOException {
    try (var sample = CheckCommandTest.class.getResourceAsStream("/schemas/samples/run.v1.json")) {
      var run = (ObjectNode) Json.mapper().readTree(sample.readAllBytes());
      return run.put("id", RUN).put("status", ended).toString();
    }
  }

  private static DatasetReport report(Finding... findings) {
    return new DatasetReport("pets", null, null, 2, 0, 0, 0, Map.of(), 512, List.of(findings));
  }

  private static void answer(HttpExchange exchange, int status, String body) throws IOException {
    exchange.getRequestBody().readAllBytes();
    byte[] bytes = body.getBytes(UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  private void takeFile(HttpExchange exchange) throws IOException {
    var path = exchange.getRequestURI().getPath();
    keep(path.substring(path.lastIndexOf('/') + 1), exchange.getRequestBody().readAllBytes());
    answer(exchange, 201, "{}");
  }

  private void takeArchive(HttpExchange exchange) throws IOException {
    byte[] bytes = exchange.getRequestBody().readAllBytes();
    try (var zip = new ZipInputStream(new ByteArrayInputStream(bytes))) {
      for (var entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        keep(entry.getName(), zip.readAllBytes());
      }
    }
    answer(exchange, 201, "{}");
  }

  private void keep(String name, byte[] bytes) {
    uploaded.put(name, bytes);
    order.add(name);
  }

  private int flora(String... arguments) {
    var command = new ArrayList<>(List.of(arguments));
    command.addAll(List.of("--server", "http://127.0.0.1:" + gateway.getAddress().getPort()));
    var standardOut = System.out;
    var standardErr = System.err;
    var outBytes = new ByteArrayOutputStream();
    var errBytes = new ByteArrayOutputStream();
    try {
      System.setOut(new PrintStream(outBytes, true, UTF_8));
      System.setErr(new PrintStream(errBytes, true, UTF_8));
      return Main.commandLine().execute(command.toArray(String[]::new));
    } finally {
      System.setOut(standardOut);
      System.setErr(standardErr);
      out = outBytes.toString(UTF_8);
      err = errBytes.toString(UTF_8);
    }
  }

  private Path pets(String... files) throws IOException {
    var folder = Files.createDirectories(here.resolve("pets"));
    for (var file : files) {
      Files.createDirectories(folder.resolve(file).getParent());
      Files.writeString(folder.resolve(file), "bytes of " + file);
    }
    return folder;
  }

  @Test
  void aSoundDatasetEndsWithZero() throws Exception {
    assertThat(flora("check", "--input", pets("a.png", "b.JPG").toString())).as(err).isZero();

    assertThat(out).contains("dataset pets: 2 pictures", "nothing is wrong with it");
    assertThat(uploaded).containsOnlyKeys("a.png", "b.JPG");
  }

  @Test
  void errorsEndWithOneAndWarningsDoNot() throws Exception {
    var warning = new Finding(Severity.WARNING, "too_small", 1, "1 is small", null, List.of());
    var error = new Finding(Severity.ERROR, "missing_caption", 1, "1 lacks", null, List.of());
    var folder = pets("a.png").toString();

    report = report(warning);
    assertThat(flora("check", "--input", folder)).isEqualTo(Main.DONE);
    assertThat(out).contains("warning too_small: 1 is small");

    report = report(error, warning);
    assertThat(flora("check", "--input", folder)).isEqualTo(Main.RUN_FAILED);
    assertThat(out).contains("error   missing_caption: 1 lacks");
  }

  @Test
  void whatIsNotKnownYetIsLookedAtByARun() throws Exception {
    begins = true;
    report = report(new Finding(Severity.ERROR, "missing_caption", 1, "1 lacks", null, List.of()));
    var folder = pets("a.png").toString();

    assertThat(flora("check", "--input", folder)).as(err).isEqualTo(Main.RUN_FAILED);
    assertThat(out).contains("missing_caption: 1 lacks");

    begins = true;
    ended = "cancelled";
    assertThat(flora("check", "--input", folder)).isEqualTo(Main.CANCELLED);
    assertThat(out).doesNotContain("missing_caption");
  }

  @Test
  void jsonIsTheReportItself() throws Exception {
    report = report(new Finding(Severity.ERROR, "no_images", 0, "none", "bring some", List.of()));

    assertThat(flora("check", "--json", "--input", pets("a.png").toString()))
        .isEqualTo(Main.RUN_FAILED);
    assertThat(Json.read(out.getBytes(UTF_8), DatasetReport.class)).isEqualTo(report);
  }

  @Test
  void foldersBelowGoWithTheirPathsAndCaptionsLast() throws Exception {
    var folder = pets("cat/1.png", "cat/1.txt", "dog/2.png", "top.png", ".git/x.png", "notes.md");
    Files.writeString(folder.resolve("metadata.csv"), "file_name,text\ncat/1.png,a cat\n");

    assertThat(flora("check", "--input", folder.toString())).as(err).isZero();
    assertThat(order)
        .containsExactly("top.png", "cat/1.png", "dog/2.png", "cat/1.txt", "metadata.csv");
    assertThat(uploaded.get("dog/2.png")).isEqualTo("bytes of dog/2.png".getBytes(UTF_8));
    assertThat(err).contains("uploaded 5/5 files to dataset pets");
  }

  @Test
  void captionsAsTheServerHasThemAreNotSentBack() throws Exception {
    table = "file_name,text\na.png,a cat\nb.png,\"a dog, brown\"\n";
    var folder = pets("a.png", "b.png");
    Files.writeString(folder.resolve("metadata.csv"), table);
    Files.writeString(folder.resolve("a.txt"), "a cat\n");
    Files.writeString(folder.resolve("b.txt"), "a black dog\n");

    assertThat(flora("check", "--input", folder.toString())).isZero();
    assertThat(uploaded).containsOnlyKeys("a.png", "b.png", "b.txt");

    Files.writeString(folder.resolve("metadata.csv"), "file_name,text\na.png,my cat\n");
    assertThat(flora("check", "--input", folder.toString())).isZero();
    assertThat(uploaded).containsKey("metadata.csv");
  }

  @Test
  void saysInOneLineWhatIsWrong() throws Exception {
    assertThat(flora("check", "--input", here.resolve("none").toString())).isEqualTo(Main.REFUSED);
    assertThat(err).startsWith("no such folder: ");

    var both = pets("a.png", "metadata.csv", "metadata.jsonl");
    assertThat(flora("check", "--input", both.toString())).isEqualTo(Main.REFUSED);
    assertThat(err).contains("keep the one that counts");

    var empty = Files.createDirectories(here.resolve("empty"));
    assertThat(flora("check", "--input", empty.toString())).isEqualTo(Main.REFUSED);
    assertThat(err).contains("holds no pictures");
  }
}
