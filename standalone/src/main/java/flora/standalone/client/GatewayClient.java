package flora.standalone.client;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetReport;
import flora.schemas.fetch.FetchEvent;
import flora.schemas.run.Run;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** The gateway's REST interface, as far as the command line needs it. */
public final class GatewayClient implements AutoCloseable {

  private final URI server;
  private final @Nullable String apiKey;
  private final HttpClient http =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(3))
          .build();

  public GatewayClient(URI server, @Nullable String apiKey) {
    this.server = URI.create(server.toString().replaceAll("/+$", ""));
    this.apiKey = apiKey;
  }

  public URI server() {
    return server;
  }

  /** Whether a gateway answers there that has caught up. */
  public boolean isReady() throws InterruptedException {
    try {
      var request = HttpRequest.newBuilder(uri("/readyz")).timeout(Duration.ofSeconds(3)).build();
      return http.send(request, BodyHandlers.discarding()).statusCode() == 200;
    } catch (IOException e) {
      return false;
    }
  }

  /** Submits a run. {@code contentType} is that of the body, which goes as it is. */
  public Run submit(byte[] body, String contentType) throws InterruptedException {
    var request =
        request("/v1/runs")
            .header("Content-Type", contentType)
            .POST(BodyPublishers.ofByteArray(body))
            .build();
    return read(send(request, BodyHandlers.ofByteArray()), Run.class);
  }

  /** What a run would be, told without starting it. */
  public JsonNode dryRun(byte[] body, String contentType) throws InterruptedException {
    var request =
        request("/v1/runs?dry_run=true")
            .header("Content-Type", contentType)
            .POST(BodyPublishers.ofByteArray(body))
            .build();
    return read(send(request, BodyHandlers.ofByteArray()), JsonNode.class);
  }

  public Run run(RunId id) throws InterruptedException {
    return read(get("/v1/runs/" + id), Run.class);
  }

  public List<Run> runs(int limit) throws InterruptedException {
    var list = Json.read(get("/v1/runs?limit=" + limit), JsonNode.class);
    return list.path("data")
        .valueStream()
        .map(node -> Json.mapper().treeToValue(node, Run.class))
        .toList();
  }

  public Run cancel(RunId id) throws InterruptedException {
    return want(id, "cancel");
  }

  public Run pause(RunId id) throws InterruptedException {
    return want(id, "pause");
  }

  public Run resume(RunId id) throws InterruptedException {
    return want(id, "resume");
  }

  public Run save(RunId id) throws InterruptedException {
    return want(id, "save");
  }

  public Run preview(RunId id) throws InterruptedException {
    return want(id, "preview");
  }

  private Run want(RunId id, String wish) throws InterruptedException {
    var request = request("/v1/runs/" + id + "/" + wish).POST(BodyPublishers.noBody()).build();
    return read(send(request, BodyHandlers.ofByteArray()), Run.class);
  }

  /** Any address of the interface that answers with JSON; an empty answer is an empty object. */
  public JsonNode ask(String method, String path, @Nullable JsonNode body)
      throws InterruptedException {
    var request = request(path);
    if (body == null) {
      request.method(method, BodyPublishers.noBody());
    } else {
      request
          .header("Content-Type", "application/json")
          .method(method, BodyPublishers.ofByteArray(Json.bytes(body)));
    }
    var answer = send(request.build(), BodyHandlers.ofByteArray());
    return answer.length == 0 ? Json.mapper().createObjectNode() : read(answer, JsonNode.class);
  }

  /** The bytes of an answer, as they come; the caller closes the stream. */
  public InputStream open(String path) throws InterruptedException {
    return send(request(path).GET().build(), BodyHandlers.ofInputStream());
  }

  /**
   * The bytes of an answer from an offset on, as they come; the caller closes the stream.
   *
   * @throws IOException when it breaks before the offset, where the server knows no ranges
   */
  public InputStream open(String path, long from) throws InterruptedException, IOException {
    var request = request(path).GET();
    if (from > 0) {
      request.header("Range", "bytes=%d-".formatted(from));
    }
    var response = answer(request.build(), BodyHandlers.ofInputStream());
    if (from > 0 && response.statusCode() != 206) {
      response.body().skipNBytes(from);
    }
    return response.body();
  }

  /** Sends a file as it is read, and returns the answer. */
  public JsonNode upload(String path, String contentType, Supplier<InputStream> body)
      throws InterruptedException {
    var request =
        request(path)
            .header("Content-Type", contentType)
            .POST(BodyPublishers.ofInputStream(body))
            .build();
    return read(send(request, BodyHandlers.ofByteArray()), JsonNode.class);
  }

  /** Uploads a picture, or its captions as {@code metadata.csv}. */
  public void putImage(String dataset, String name, Path file)
      throws InterruptedException, IOException {
    var path = "/v1/datasets/%s/images/%s".formatted(dataset, encode(name));
    send(request(path).PUT(BodyPublishers.ofFile(file)).build(), BodyHandlers.ofByteArray());
  }

  /** From which byte on a file of an own model is missing there; its size where none is. */
  public long uploadOffset(String model, String path, Sha256 digest) throws InterruptedException {
    var request =
        request("/v1/models/%s/files/%s".formatted(model, encodePath(path)))
            .header("X-Sha256", digest.hex())
            .method("HEAD", BodyPublishers.noBody())
            .build();
    return answer(request, BodyHandlers.discarding())
        .headers()
        .firstValueAsLong("Upload-Offset")
        .orElse(0);
  }

  /**
   * Sends a file of an own model, or the rest of it.
   *
   * @param more whether other files of the model follow
   * @param from the first byte that is sent
   * @param size of the whole file
   * @param body the bytes from there on
   * @return what the server says of the file once all of it is there, with the model's commit once
   *     that was the last file; empty while bytes are missing
   */
  public Optional<JsonNode> putModelFile(
      String model,
      String path,
      boolean more,
      Sha256 digest,
      long from,
      long size,
      Supplier<InputStream> body)
      throws InterruptedException {
    var range =
        from == size && size > 0
            ? "bytes */%d".formatted(size)
            : "bytes %d-%d/%d".formatted(from, size - 1, size);
    var request =
        request("/v1/models/%s/files/%s?more=%s".formatted(model, encodePath(path), more))
            .header("X-Sha256", digest.hex());
    if (size > 0) {
      request.header("Content-Range", range);
    }
    request.PUT(
        from == size
            ? BodyPublishers.noBody()
            : BodyPublishers.fromPublisher(BodyPublishers.ofInputStream(body), size - from));
    var response = answer(request.build(), BodyHandlers.ofByteArray());
    return response.statusCode() == 201
        ? Optional.of(read(response.body(), JsonNode.class))
        : Optional.empty();
  }

  public byte[] metadataCsv(String dataset) throws InterruptedException {
    return get("/v1/datasets/%s/metadata.csv".formatted(dataset));
  }

  /** What the last look at a dataset has found. */
  public DatasetReport report(String dataset) throws InterruptedException {
    return read(get("/v1/datasets/%s/report".formatted(dataset)), DatasetReport.class);
  }

  /** Uploads a table of captions, or an archive of files with their paths. */
  public void putFile(String dataset, String name, Path file)
      throws InterruptedException, IOException {
    var path = "/v1/datasets/%s/files/%s".formatted(dataset, encode(name));
    send(request(path).PUT(BodyPublishers.ofFile(file)).build(), BodyHandlers.ofByteArray());
  }

  /** What became of the wish to have a dataset looked through. */
  public sealed interface Validation {

    /** It was looked through as it is. */
    record Known(DatasetReport report) implements Validation {}

    /** A run looks through it. */
    record Begun(RunId run) implements Validation {}
  }

  /** Has a dataset looked through. */
  public Validation validate(String dataset) throws InterruptedException {
    var request =
        request("/v1/datasets/%s:validate".formatted(dataset))
            .POST(BodyPublishers.noBody())
            .build();
    var response = answer(request, BodyHandlers.ofByteArray());
    if (response.statusCode() != 202) {
      return new Validation.Known(read(response.body(), DatasetReport.class));
    }
    var place = response.headers().firstValue("Location").orElse("");
    return new Validation.Begun(new RunId(place.substring(place.lastIndexOf('/') + 1)));
  }

  /** Downloads to a temporary neighbour first, so that the file is there whole or not at all. */
  public void download(String path, Path to) throws InterruptedException, IOException {
    var folder = to.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    var part = to.resolveSibling(to.getFileName() + ".part");
    try (InputStream in = send(request(path).GET().build(), BodyHandlers.ofInputStream())) {
      Files.copy(in, part, StandardCopyOption.REPLACE_EXISTING);
      Files.move(part, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** Hands over the lines of a run's event stream until it ends with the run. */
  public void events(RunId id, boolean follow, Consumer<String> line) throws InterruptedException {
    var request =
        request("/v1/runs/%s/events?follow=%s".formatted(id, follow))
            .header("Accept", "text/event-stream")
            .GET()
            .build();
    try (Stream<String> lines = send(request, BodyHandlers.ofLines())) {
      lines.forEach(line);
    } catch (UncheckedIOException e) {
      throw new ServerGone(server, e);
    }
  }

  /** Hands over what the fetch stage of a run says, until the stream ends. */
  public void fetchEvents(RunId id, boolean follow, Consumer<FetchEvent> event)
      throws InterruptedException {
    events(id, follow, new FetchLines(event));
  }

  @Override
  public void close() {
    // not close(), which waits for streams that nobody reads any more
    http.shutdownNow();
  }

  private byte[] get(String path) throws InterruptedException {
    return send(request(path).GET().build(), BodyHandlers.ofByteArray());
  }

  private HttpRequest.Builder request(String path) {
    var builder = HttpRequest.newBuilder(uri(path));
    if (apiKey != null) {
      builder.header("Authorization", "Bearer " + apiKey);
    }
    return builder;
  }

  private URI uri(String path) {
    return URI.create(server + path);
  }

  private <T> T send(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws InterruptedException {
    return answer(request, handler).body();
  }

  private <T> HttpResponse<T> answer(HttpRequest request, HttpResponse.BodyHandler<T> handler)
      throws InterruptedException {
    try {
      HttpResponse<T> response = http.send(request, handler);
      if (response.statusCode() >= 400) {
        throw refused(response);
      }
      return response;
    } catch (IOException e) {
      throw new ServerGone(server, e);
    }
  }

  private static Refused refused(HttpResponse<?> response) throws IOException {
    byte[] body =
        switch (response.body()) {
          case byte[] bytes -> bytes;
          case InputStream in -> in.readAllBytes();
          case Stream<?> lines ->
              lines
                  .map(Object::toString)
                  .collect(Collectors.joining("\n"))
                  .getBytes(StandardCharsets.UTF_8);
          case null, default -> new byte[0];
        };
    try {
      return new Refused(response.statusCode(), Json.read(body, JsonNode.class));
    } catch (JacksonException e) {
      return new Refused(response.statusCode(), Json.mapper().createObjectNode());
    }
  }

  private static <T> T read(byte[] json, Class<T> type) {
    return Json.read(json, type);
  }

  private static String encodePath(String path) {
    return Stream.of(path.split("/")).map(GatewayClient::encode).collect(Collectors.joining("/"));
  }

  private static String encode(String segment) {
    return URLEncoder.encode(segment, StandardCharsets.UTF_8).replace("+", "%20");
  }

  /** Takes the events of the fetch stage out of a run's stream: a name, then its data. */
  private static final class FetchLines implements Consumer<String> {
    private final Consumer<FetchEvent> events;
    private String name = "";

    FetchLines(Consumer<FetchEvent> events) {
      this.events = events;
    }

    @Override
    public void accept(String line) {
      if (line.startsWith("event:")) {
        name = line.substring("event:".length()).strip();
      } else if (line.startsWith("data:") && name.startsWith("fetch.")) {
        try {
          events.accept(
              Json.mapper().readValue(line.substring("data:".length()), FetchEvent.class));
        } catch (JacksonException e) {
          // a server of a later version says more than is known here
        }
      }
    }
  }

  /** The gateway said no; the message is what it gave as reason. */
  public static final class Refused extends RuntimeException {
    private final int status;
    private final String problemCode;

    Refused(int status, JsonNode problem) {
      super(text(status, problem));
      this.status = status;
      this.problemCode = problem.path("code").asString("");
    }

    public int status() {
      return status;
    }

    /** The problem's {@code code}, empty when it has none. */
    public String problemCode() {
      return problemCode;
    }

    private static String text(int status, JsonNode problem) {
      var text = new StringBuilder();
      text.append(
          problem
              .path("detail")
              .asString(problem.path("title").asString("the server answered HTTP " + status)));
      var pointer = problem.path("pointer").asString("");
      if (!pointer.isEmpty()) {
        text.append(" (at ").append(pointer).append(')');
      }
      var hint = problem.path("hint").asString("");
      if (!hint.isEmpty()) {
        text.append(System.lineSeparator()).append("  ").append(hint);
      }
      return text.toString();
    }
  }

  /** Nobody answers, or not any more. */
  public static final class ServerGone extends RuntimeException {
    public ServerGone(URI server, @Nullable Throwable cause) {
      super(
          "no Flora server answers at %s: start one with ./flora up, or name one with --server"
              .formatted(server),
          cause);
    }
  }
}
