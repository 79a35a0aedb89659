package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import flora.hub.archive.OwnModels;
import flora.schemas.Sha256;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is sent of a model on this machine, and what is made of the answer. */
class OwnModelTest {

  @TempDir Path here;

  private final List<String> ranges = new CopyOnWriteArrayList<>();
  private HttpServer server;
  private String commit = "";
  private long offset;
  private byte[] bytes;
  private OwnModel model;

  @BeforeEach
  void start() throws IOException {
    var header = "{\"x\":{\"dtype\":\"U8\",\"shape\":[9],\"data_offsets\":[0,9]}}";
    bytes =
        ByteBuffer.allocate(8 + header.length() + 9)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length())
            .put(header.getBytes(StandardCharsets.UTF_8))
            .array();
    model = OwnModel.at(Files.write(here.resolve("a.safetensors"), bytes), "mine");
    commit = OwnModels.commit(new TreeMap<>(Map.of("mine.safetensors", Sha256.sum(bytes))));
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/v1/models/mine", this::answer);
    server.start();
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private void answer(HttpExchange exchange) throws IOException {
    try (exchange) {
      exchange.getRequestBody().readAllBytes();
      switch (exchange.getRequestMethod()) {
        case "HEAD" -> {
          exchange.getResponseHeaders().set("Upload-Offset", Long.toString(offset));
          exchange.sendResponseHeaders(200, -1);
        }
        case "PUT" -> {
          ranges.add(exchange.getRequestHeaders().getFirst("Content-Range"));
          var body = "{\"commit\": \"%s\"}".formatted(commit).getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(201, body.length);
          exchange.getResponseBody().write(body);
        }
        default -> exchange.sendResponseHeaders(404, -1);
      }
    }
  }

  private String send() throws Exception {
    var address = "http://127.0.0.1:" + server.getAddress().getPort();
    try (var client = new GatewayClient(URI.create(address), null)) {
      return model.send(client);
    }
  }

  @Test
  void anotherCommitThanTheFilesHereAreIsAFailure() throws Exception {
    assertThat(send()).isEqualTo(commit);

    commit = "f".repeat(40);
    assertThatThrownBy(this::send)
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining(commit)
        .hasMessageContaining("mine");
  }

  @Test
  void anOffsetBeyondTheEndBeginsAgain() throws Exception {
    offset = bytes.length + 1;

    send();

    assertThat(ranges).containsExactly("bytes 0-%d/%d".formatted(bytes.length - 1, bytes.length));
  }
}
