package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import flora.schemas.Json;
import flora.schemas.RepoId;
import flora.schemas.Sha256;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.InvalidInput;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

class LocalCopyTest {

  @TempDir Path folder;

  private final List<String> asked = new ArrayList<>();
  private HttpServer server;
  private GatewayClient client;
  private String snapshot = "";
  private byte[] content = "weights".getBytes(StandardCharsets.UTF_8);

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          asked.add(exchange.getRequestURI().toString());
          var isFile = exchange.getRequestURI().getPath().contains("/files/");
          var body = isFile ? content : snapshot.getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    client =
        new GatewayClient(URI.create("http://127.0.0.1:" + server.getAddress().getPort()), null);
  }

  @AfterEach
  void stop() {
    client.close();
    server.stop(0);
  }

  private LocalCopy.Brought bring(String... paths) throws Exception {
    return bring(Set.of(paths), Set.of());
  }

  private LocalCopy.Brought bring(Set<String> paths, Set<String> pickles) throws Exception {
    return new LocalCopy(client, folder, new PrintStream(OutputStream.nullOutputStream()), false)
        .bring(new RepoId("some-one/model"), "c".repeat(40), "model", paths, pickles);
  }

  private void has(String path, byte[] bytes) {
    var tree = Json.mapper().createObjectNode();
    tree.put("commit", "c".repeat(40));
    var file = tree.putArray("files").addObject();
    file.put("path", path).put("size", bytes.length).put("sha256", Sha256.sum(bytes).hex());
    snapshot = tree.toString();
  }

  private void hasAPickleAndWhatItBecame() {
    has("pytorch_model.bin", content);
    var tree = (ObjectNode) Json.mapper().readTree(snapshot);
    var made = ((ArrayNode) tree.path("files")).addObject();
    made.put("path", "model.safetensors").put("size", content.length);
    made.put("sha256", Sha256.sum(content).hex());
    made.putObject("converted_from").put("path", "pytorch_model.bin");
    snapshot = tree.toString();
  }

  @Test
  void writesFilesUnderTheirNamesAndLeavesWhatIsThere() throws Exception {
    has("unet/a b.safetensors", content);

    assertThat(bring("unet/a b.safetensors"))
        .isEqualTo(new LocalCopy.Brought(1, 1, content.length));
    assertThat(folder.resolve("unet/a b.safetensors")).hasBinaryContent(content);
    assertThat(asked)
        .containsExactly(
            "/v1/models/some-one/model?revision=" + "c".repeat(40) + "&type=model",
            "/v1/models/some-one/model/files/unet/a%20b.safetensors?revision="
                + "c".repeat(40)
                + "&type=model");

    assertThat(bring("unet/a b.safetensors"))
        .isEqualTo(new LocalCopy.Brought(1, 0, content.length));
    Files.writeString(folder.resolve("unet/a b.safetensors"), "changed");
    assertThat(bring("unet/a b.safetensors"))
        .isEqualTo(new LocalCopy.Brought(1, 1, content.length));
    assertThat(folder.resolve("unet/a b.safetensors")).hasBinaryContent(content);
  }

  @Test
  void bringsOnlyWhatWasAskedForAndAllOfIt() throws Exception {
    has("other.bin", content);

    assertThatThrownBy(() -> bring("model.safetensors"))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("model.safetensors");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void bringsWhatAPickleBecame() throws Exception {
    hasAPickleAndWhatItBecame();

    bring(Set.of(), Set.of("pytorch_model.bin"));

    assertThat(folder.resolve("model.safetensors")).hasBinaryContent(content);
    assertThat(folder.resolve("pytorch_model.bin")).doesNotExist();
  }

  @Test
  void bringsAPickleAsItIsWhereThatWasAskedFor() throws Exception {
    hasAPickleAndWhatItBecame();

    bring("pytorch_model.bin");

    assertThat(folder.resolve("pytorch_model.bin")).hasBinaryContent(content);
    assertThat(folder.resolve("model.safetensors")).doesNotExist();
  }

  @Test
  void missesWhatAPickleShouldHaveBecome() {
    has("pytorch_model.bin", content);

    assertThatThrownBy(() -> bring(Set.of(), Set.of("pytorch_model.bin")))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("pytorch_model.bin");
  }

  @Test
  void saysBeforehandWhatIsWrongWithTheFolder() throws Exception {
    var file = Files.writeString(folder.resolve("file"), "");

    assertThatThrownBy(() -> LocalCopy.prepare(file))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("is a file");
    LocalCopy.prepare(folder.resolve("a/b"));
    assertThat(folder.resolve("a/b")).isEmptyDirectory();
  }

  @Test
  void keepsNothingOfWrongBytes() throws Exception {
    has("model.safetensors", content);
    content = "w3ights".getBytes(StandardCharsets.UTF_8);

    assertThatThrownBy(() -> bring("model.safetensors"))
        .isInstanceOf(InvalidInput.class)
        .hasMessageContaining("sha256");
    assertThat(folder).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"../out", "/etc/passwd", "a/../../out", "a\\b", "a//b", "./a", "a\nb", ""})
  void refusesNamesThatLeadElsewhere(String path) {
    has(path, content);

    assertThatThrownBy(() -> bring(path)).isInstanceOf(InvalidInput.class);
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void followsNoLinkOutOfTheFolder(@TempDir Path elsewhere) throws Exception {
    has("sub/file", content);
    Files.createSymbolicLink(folder.resolve("sub"), elsewhere);

    assertThatThrownBy(() -> bring("sub/file")).isInstanceOf(InvalidInput.class);
    assertThat(elsewhere).isEmptyDirectory();
  }
}
