package flora.standalone.compose;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import flora.fakehub.FakeHub;
import flora.schemas.run.Run;
import flora.standalone.client.GatewayClient;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The services of docker-compose.yml as processes, with a real MinIO: skipped where no MinIO binary
 * or no executable jars are.
 */
class ComposeIT {

  private static final Path ROOT = Path.of("..").toAbsolutePath().normalize();
  private static final Path PARITY = ROOT.resolve("models/src/test/resources/parity");

  @TempDir Path data;

  @Test
  void theContainersConfigurationTrainsAnAdapterThroughARestartOfEach() throws Exception {
    var minio = ComposeLocal.minio(System.getenv());
    assumeTrue(minio.isPresent(), "no MinIO server binary");
    assumeTrue(ComposeLocal.isBuilt(ROOT), "no executable jars: mvn package builds them");

    try (var hub =
            FakeHub.start(0)
                .repo("tiny-research/tiny-sd", PARITY.resolve("models/tiny-sd"))
                .repo("tiny-research/tiny-clip", PARITY.resolve("models/tiny-clip"));
        var services =
            ComposeLocal.up(
                ROOT, data, minio.get(), Map.of("HF_ENDPOINT", hub.endpoint().toString()))) {
      var gateway = URI.create("http://127.0.0.1:" + services.port(8080));
      try (var client = new GatewayClient(gateway, null)) {
        train(client, "before");
        for (var service : services.services()) {
          services.restart(service);
        }
        train(client, "after");
        assertThat(client.runs(10)).extracting(Run::name).contains("before", "after");
      }
      assertThat(Files.readString(data.resolve("gateway.log"))).doesNotContain("flora-secret");
    }
  }

  private static void train(GatewayClient client, String name) throws Exception {
    client.putImage("pets-" + name, "a.png", PARITY.resolve("images/rgb_square.png"));
    var config =
        """
        name: %1$s
        model: { base_model: tiny-research/tiny-sd }
        dataset: { name: pets-%1$s, label: { model: tiny-research/tiny-clip, labels: [cat, dog] } }
        train: { task: text-to-image, lora_rank: 4, resolution: 64, max_train_steps: 3, save_steps: 2 }
        """
            .formatted(name);
    var id = client.submit(config.getBytes(StandardCharsets.UTF_8), "application/yaml").id();
    var run =
        Awaitility.await()
            .atMost(Duration.ofSeconds(150))
            .pollInterval(Duration.ofMillis(300))
            .until(() -> client.run(id), r -> r.status().isTerminal());
    assertThat(run.status()).as(() -> String.valueOf(run.error())).isEqualTo(Run.Status.SUCCEEDED);
    assertThat(run.artifacts()).isNotEmpty();
  }
}
