package flora.gateway;

import static flora.gateway.Gateway.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.io.File;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real MinIO tells a real broker of what is dropped, where its binary is: FLORA_MINIO, the PATH,
 * GOPATH or ~/go/bin. The gateway itself looks so seldom that a run within the test's time can only
 * come of a notification.
 */
class NotificationsIT {

  private static final Platform PLATFORM = Platform.get();

  @TempDir static Path folder;
  private static Process minio;
  private static Gateway gateway;
  private static ObjectStore store;

  @BeforeAll
  static void start() throws Exception {
    var binary = binary();
    Assumptions.assumeTrue(binary.isPresent(), "no minio binary");
    int port;
    try (var socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    var address = "127.0.0.1:" + port;
    var builder =
        new ProcessBuilder(
                binary.get().toString(),
                "server",
                folder.resolve("data").toString(),
                "--address",
                address)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD);
    var environment = builder.environment();
    environment.put("MINIO_ROOT_USER", "flora");
    environment.put("MINIO_ROOT_PASSWORD", "flora-secret");
    environment.put("MINIO_BROWSER", "off");
    environment.put("MINIO_NOTIFY_KAFKA_ENABLE_PRIMARY", "on");
    environment.put("MINIO_NOTIFY_KAFKA_BROKERS_PRIMARY", PLATFORM.bootstrapServers());
    environment.put("MINIO_NOTIFY_KAFKA_TOPIC_PRIMARY", "object.events.v1");
    environment.put("MINIO_NOTIFY_KAFKA_QUEUE_DIR_PRIMARY", folder.resolve("queue").toString());
    minio = builder.start();
    gateway =
        PLATFORM.gateway(
            "--gateway.instance=minio",
            "--store.endpoint=http://" + address,
            "--gateway.intake.enabled=true",
            "--gateway.intake.every=10m",
            "--gateway.bucket-notifications=arn:minio:sqs::PRIMARY:kafka");
    store = PLATFORM.storeOf(gateway);
  }

  @AfterAll
  static void stop() throws Exception {
    if (gateway != null) {
      gateway.close();
    }
    if (minio != null) {
      minio.destroy();
      minio.waitFor();
    }
  }

  @Test
  void aDroppedPictureIsLabelledBecauseTheStoreTellsOfIt() throws InterruptedException {
    // the rule is set a moment after the start: until then nothing is told
    await()
        .atMost(Duration.ofSeconds(30))
        .pollInterval(Duration.ofSeconds(1))
        .until(
            () -> {
              drop("warm", System.nanoTime() + ".png");
              return runs("warm") > 0;
            });

    drop("told", "ein Bild (1) größer+schöner.png");

    await().atMost(Duration.ofSeconds(15)).until(() -> runs("told") == 1);
    Thread.sleep(1500);
    assertThat(runs("told")).isEqualTo(1);
  }

  private static void drop(String dataset, String file) {
    store.put(
        StoreLayout.DATASETS,
        "incoming/" + dataset + "/" + file,
        file.getBytes(StandardCharsets.UTF_8),
        "image/png");
  }

  private static long runs(String name) {
    return json(gateway.get("/v1/runs?limit=100"))
        .path("data")
        .valueStream()
        .filter(run -> run.path("name").asString("").equals(name))
        .count();
  }

  private static Optional<Path> binary() {
    var named = System.getenv("FLORA_MINIO");
    if (named != null) {
      return Optional.of(Path.of(named));
    }
    var go = Optional.ofNullable(System.getenv("GOPATH")).map(Path::of);
    return Stream.concat(
            Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                .filter(p -> !p.isBlank())
                .map(Path::of),
            Stream.of(
                go.orElse(Path.of(System.getProperty("user.home"), "go")).resolve("bin"),
                Path.of(System.getProperty("user.home"), "go", "bin")))
        .map(p -> p.resolve("minio"))
        .filter(Files::isExecutable)
        .findFirst();
  }
}
