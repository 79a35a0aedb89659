package flora.standalone;

import flora.schemas.Json;
import flora.standalone.client.GatewayClient;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import tools.jackson.databind.JsonNode;

/** {@code flora up} as a process of its own, to be killed. */
final class FloraProcess implements AutoCloseable {

  private static final Duration READY_WITHIN = Duration.ofSeconds(90);

  private final Process process;
  private final GatewayClient client;

  private FloraProcess(Process process, GatewayClient client) {
    this.process = process;
    this.client = client;
  }

  /** Starts one on a data folder and returns when it serves. */
  static FloraProcess up(Path data, URI hub) throws IOException, InterruptedException {
    Files.deleteIfExists(PortsFile.of(data));
    var log = data.resolveSibling(data.getFileName() + ".log");
    var builder =
        new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--enable-native-access=ALL-UNNAMED",
            "--sun-misc-unsafe-memory-access=allow",
            "-Xmx700m",
            "-Dai.djl.offline=true",
            "-Dai.djl.pytorch.num_threads=2",
            "-cp",
            System.getProperty("java.class.path"),
            "flora.standalone.cli.Main",
            "up");
    builder.redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(log.toFile()));
    var environment = builder.environment();
    environment.put("FLORA_DATA", data.toString());
    environment.put("HF_ENDPOINT", hub.toString());
    environment.put("OMP_WAIT_POLICY", "PASSIVE");
    // a killed worker's run is to go on in seconds here, not in a minute
    environment.put("STAGE_LEASE", "3s");
    environment.put("STAGE_LOCK", "3s");
    environment.put("GATEWAY_RECONCILE_EVERY", "2s");
    environment.put("GATEWAY_RECONCILE_ORPHANED_AFTER", "6s");
    List.of("FLORA_PORT", "FLORA_KAFKA_PORT", "FLORA_S3_PORT")
        .forEach(port -> environment.put(port, "0"));
    var process = builder.start();
    long deadline = System.nanoTime() + READY_WITHIN.toNanos();
    while (!Files.exists(PortsFile.of(data))) {
      if (!process.isAlive() || System.nanoTime() > deadline) {
        process.destroyForcibly();
        throw new IOException("flora did not start:\n" + Files.readString(log));
      }
      Thread.sleep(100);
    }
    var ports = Json.read(Files.readAllBytes(PortsFile.of(data)), JsonNode.class);
    return new FloraProcess(
        process, new GatewayClient(URI.create(ports.path("gateway").asString()), null));
  }

  GatewayClient client() {
    return client;
  }

  /** {@code kill -9}. */
  void kill() throws InterruptedException {
    process.destroyForcibly().waitFor();
    client.close();
  }

  /** SIGTERM; returns the exit code. */
  int stop() throws InterruptedException {
    client.close();
    process.destroy();
    if (!process.waitFor(60, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IllegalStateException("did not stop within a minute");
    }
    return process.exitValue();
  }

  @Override
  public void close() {
    process.destroyForcibly();
    client.close();
  }
}
