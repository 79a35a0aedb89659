package flora.standalone.cli;

import flora.embedded.FolderInUseException;
import flora.schemas.Json;
import flora.standalone.PortsFile;
import flora.standalone.Standalone;
import flora.standalone.client.GatewayClient;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/** Which server a command speaks to: a named one, the one that is up, or one of its own. */
final class Connection implements AutoCloseable {

  /** The options that every client command has. */
  static final class Options {
    @Option(
        names = "--server",
        paramLabel = "URL",
        description =
            "Flora server; default: the one that is up on this machine, else one of the command's own")
    @Nullable URI server;

    @Option(names = "--json", description = "JSON, one value a line")
    boolean json;
  }

  /** For a server that another command is starting, or stopping. */
  private static final Duration PATIENCE = Duration.ofSeconds(30);

  private static final Duration AGAIN = Duration.ofSeconds(1);

  private final GatewayClient client;
  private final @Nullable Standalone own;

  /** Stops a server of the command's own in order when the command is stopped from the keyboard. */
  private final @Nullable Thread hook;

  private Connection(GatewayClient client, @Nullable Standalone own) {
    this.client = client;
    this.own = own;
    hook = own == null ? null : Thread.ofPlatform().name("flora-shutdown").unstarted(own::close);
    if (hook != null) {
      Runtime.getRuntime().addShutdownHook(hook);
    }
  }

  /** Connects to a server that is up, or starts one for the time of this command. */
  static Connection open(Options options, Map<String, String> environment)
      throws IOException, InterruptedException {
    var running = toRunning(options, environment);
    if (running != null) {
      return new Connection(running, null);
    }
    var log = data(environment).resolve("flora.log");
    System.err.printf(
        "no server is up: starting one for this command (./flora up keeps one; log: %s)%n", log);
    // the terminal is for the command; read when the first line is logged
    System.setProperty("flora.log.console", "OFF");
    System.setProperty("flora.log.file", log.toAbsolutePath().toString());
    var ports = new HashMap<>(environment);
    for (var port : List.of("FLORA_PORT", "FLORA_KAFKA_PORT", "FLORA_S3_PORT")) {
      ports.putIfAbsent(port, "0");
    }
    long deadline = System.nanoTime() + PATIENCE.toNanos();
    for (boolean isFirst = true; ; isFirst = false) {
      try {
        var own = Standalone.start(ports);
        return new Connection(
            new GatewayClient(own.gateway(), environment.get("FLORA_API_KEY")), own);
      } catch (FolderInUseException e) {
        if (System.nanoTime() > deadline) {
          throw e;
        }
        if (isFirst) {
          System.err.println("another command is at this data folder: waiting for its server");
        }
      }
      Thread.sleep(AGAIN);
      running = toRunning(options, environment);
      if (running != null) {
        System.err.println(
            "using the server of the other command; it stops with that one (./flora up keeps one)");
        return new Connection(running, null);
      }
    }
  }

  /** Connects to a server that is up; starts none. */
  static Connection existing(Options options, Map<String, String> environment)
      throws InterruptedException {
    var running = toRunning(options, environment);
    if (running == null) {
      throw new GatewayClient.ServerGone(
          options.server != null ? options.server : address(environment), null);
    }
    return new Connection(running, null);
  }

  GatewayClient client() {
    return client;
  }

  /** Whether the server ends with this command. */
  boolean isOwn() {
    return own != null;
  }

  @Override
  public void close() {
    client.close();
    if (own != null && hook != null) {
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        return; // the process is ending: the hook does it
      }
      own.close();
    }
  }

  private static @Nullable GatewayClient toRunning(Options options, Map<String, String> environment)
      throws InterruptedException {
    var client =
        new GatewayClient(
            options.server != null ? options.server : address(environment),
            environment.get("FLORA_API_KEY"));
    if (client.isReady()) {
      return client;
    }
    client.close();
    if (options.server != null) {
      throw new GatewayClient.ServerGone(options.server, null);
    }
    return null;
  }

  private static Path data(Map<String, String> environment) {
    return Path.of(environment.getOrDefault("FLORA_DATA", ".flora"));
  }

  /** Where a server on this machine's data folder says it is, else the usual place. */
  private static URI address(Map<String, String> environment) {
    var ports = PortsFile.of(data(environment));
    try {
      if (Files.isRegularFile(ports)) {
        var gateway = Json.read(Files.readAllBytes(ports), JsonNode.class).path("gateway");
        return URI.create(gateway.asString());
      }
    } catch (IOException | JacksonException e) {
      // a file half removed: the usual place it is
    }
    return URI.create("http://127.0.0.1:" + environment.getOrDefault("FLORA_PORT", "8080"));
  }
}
