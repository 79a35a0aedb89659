package flora.standalone.cli;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import flora.embedded.EmbeddedS3;
import flora.standalone.PortsFile;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConnectionTest {

  @TempDir Path data;

  @AfterEach
  void logAsBefore() {
    System.clearProperty("flora.log.console");
    System.clearProperty("flora.log.file");
  }

  @Test
  void waitsForTheServerThatAnotherCommandIsStarting() throws Exception {
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext(
        "/readyz",
        exchange -> {
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    server.start();
    var ready = "{\"gateway\": \"http://127.0.0.1:%d\"}".formatted(server.getAddress().getPort());
    // the other command has the folder, and its server is ready two seconds later
    try (var _ = EmbeddedS3.start(store(data.resolve("s3")))) {
      var other =
          CompletableFuture.runAsync(
              () -> write(PortsFile.of(data), ready),
              CompletableFuture.delayedExecutor(2, TimeUnit.SECONDS));
      try (var connection =
          Connection.open(
              new Connection.Options(),
              // port 1 is nobody's
              Map.of("FLORA_DATA", data.toString(), "FLORA_PORT", "1"))) {
        assertThat(other).isDone();
        assertThat(connection.isOwn()).isFalse();
        assertThat(connection.client().isReady()).isTrue();
      }
    } finally {
      server.stop(0);
    }
  }

  private static EmbeddedS3.Options store(Path folder) {
    return new EmbeddedS3.Options(folder, "127.0.0.1", 0, "flora", "flora-secret");
  }

  private static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
