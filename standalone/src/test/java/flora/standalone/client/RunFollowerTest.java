package flora.standalone.client;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import flora.schemas.RunId;
import flora.schemas.run.Run;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Following over real HTTP; the server says {@code queued} for a while, then that it is over. */
final class RunFollowerTest {

  private static final RunId ID = new RunId("run_01M7ZVWE8Y3XXAYSAY94V9QS8K");

  private final AtomicInteger asked = new AtomicInteger();
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private volatile int queuedFor;
  private HttpServer server;
  private GatewayClient client;

  @BeforeEach
  void start() throws IOException {
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/",
        exchange -> {
          var isRun = exchange.getRequestURI().getPath().endsWith(ID.value());
          var status = asked.get() < queuedFor ? "queued" : "succeeded";
          if (isRun) {
            asked.incrementAndGet();
          }
          var body = (isRun ? run(status) : "").getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(isRun ? 200 : 404, isRun ? body.length : -1);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    client =
        new GatewayClient(URI.create("http://127.0.0.1:" + server.getAddress().getPort()), null);
  }

  private static String run(String status) {
    return """
        {"object": "run", "id": "%s", "name": "fetch-a-b", "status": "%s", "stalled": false,
         "attempt": 1, "warnings": [], "stages": {}, "checkpoints": [], "artifacts": []}
        """
        .formatted(ID, status);
  }

  @AfterEach
  void stop() {
    client.close();
    server.stop(0);
  }

  private String follow(RunFollower.Style style) throws InterruptedException {
    var run =
        new RunFollower(client, new PrintStream(out, true, StandardCharsets.UTF_8), style)
            .follow(ID);
    assertThat(run.status()).isEqualTo(Run.Status.SUCCEEDED);
    return out.toString(StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @EnumSource(names = {"LINES", "BARS"})
  void saysThatOtherRunsComeFirst(RunFollower.Style style) throws Exception {
    queuedFor = 12;

    assertThat(follow(style))
        .contains("waiting for a worker: it starts, or does another run first");
  }

  @Test
  void saysNothingOfAQueueThatIsShort() throws Exception {
    queuedFor = 3;

    assertThat(follow(RunFollower.Style.LINES)).isEmpty();
  }
}
