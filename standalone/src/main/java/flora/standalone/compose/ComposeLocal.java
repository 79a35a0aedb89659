package flora.standalone.compose;

import flora.schemas.Json;
import java.io.File;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;

/**
 * Starts the services of a compose file as processes: ours from their executable jars with the
 * Dockerfile's command, Kafka from its jars, MinIO from a binary. Host names become loopback, and
 * every port that the file names becomes a free one, so that several can run at once.
 */
public final class ComposeLocal implements AutoCloseable {

  private static final Duration HEALTHY_WITHIN = Duration.ofSeconds(90);

  // any id serves: the folder keeps the first one
  private static final String CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qg";

  private final Path root;
  private final Path data;
  private final Path minio;
  private final ComposeFile file;
  private final Map<Integer, Integer> ports = new LinkedHashMap<>();
  private final Map<String, Process> processes = new LinkedHashMap<>();

  private ComposeLocal(Path root, Path data, Path minio, ComposeFile file) {
    this.root = root;
    this.data = data;
    this.minio = minio;
    this.file = file;
  }

  /**
   * Starts all services in order, each when those before it are healthy.
   *
   * @param root folder of docker-compose.yml, with the executable jars built
   * @param data folder for volumes and logs
   * @param minio a MinIO server binary
   * @param variables what stands in the shell or in .env
   */
  public static ComposeLocal up(Path root, Path data, Path minio, Map<String, String> variables)
      throws IOException, InterruptedException {
    var file = ComposeFile.read(root.resolve("docker-compose.yml"), variables);
    var local = new ComposeLocal(root, data.toAbsolutePath(), minio, file);
    try {
      for (var name : file.services().keySet()) {
        local.start(name);
      }
      return local;
    } catch (IOException | InterruptedException | RuntimeException e) {
      local.close();
      throw e;
    }
  }

  /** A MinIO server binary on this machine: FLORA_MINIO, the PATH, or where Go installs it. */
  public static Optional<Path> minio(Map<String, String> environment) {
    var places = new ArrayList<Path>();
    if (environment.get("FLORA_MINIO") != null) {
      places.add(Path.of(environment.get("FLORA_MINIO")));
    }
    for (var folder : environment.getOrDefault("PATH", "").split(File.pathSeparator)) {
      places.add(Path.of(folder, "minio"));
    }
    places.add(Path.of(System.getProperty("user.home"), "go", "bin", "minio"));
    return places.stream().filter(Files::isExecutable).findFirst();
  }

  /** Whether the executable jars of all services are there. */
  public static boolean isBuilt(Path root) throws IOException {
    var file = ComposeFile.read(root.resolve("docker-compose.yml"), Map.of());
    for (var service : file.services().values()) {
      if (service.build() != null && jar(root, service.build()).isEmpty()) {
        return false;
      }
    }
    return true;
  }

  /** Names of the services, in the order they were started. */
  public List<String> services() {
    return List.copyOf(file.services().keySet());
  }

  /** Where the port of a container is on this machine. */
  public int port(int containerPort) {
    return ports.computeIfAbsent(containerPort, _ -> freePort());
  }

  /** Stops a service as {@code docker compose restart} does, and starts it again. */
  public void restart(String name) throws IOException, InterruptedException {
    stop(name);
    start(name);
  }

  @Override
  public void close() {
    for (var name : new ArrayList<>(processes.keySet()).reversed()) {
      stop(name);
    }
  }

  private void stop(String name) {
    var process = processes.remove(name);
    if (process != null) {
      process.destroy();
      try {
        if (!process.waitFor(30, TimeUnit.SECONDS)) {
          process.destroyForcibly();
        }
      } catch (InterruptedException e) {
        process.destroyForcibly();
        Thread.currentThread().interrupt();
      }
    }
  }

  private void start(String name) throws IOException, InterruptedException {
    var service = file.service(name);
    var volume = Files.createDirectories(data.resolve(name));
    List<String> command;
    if (service.build() != null) {
      command = ours(service.build());
    } else if (String.valueOf(service.image()).startsWith("apache/kafka")) {
      command = kafka(service, volume);
    } else {
      command = new ArrayList<>(List.of(minio.toString()));
      service.command().forEach(word -> command.add(onThisMachine(word, volume)));
    }
    var builder = new ProcessBuilder(command).directory(volume.toFile()).redirectErrorStream(true);
    builder.redirectOutput(ProcessBuilder.Redirect.appendTo(data.resolve(name + ".log").toFile()));
    builder.environment().keySet().removeIf(key -> !key.equals("PATH") && !key.equals("HOME"));
    dockerfileEnvironment(service).forEach((k, v) -> builder.environment().put(k, v));
    service
        .environment()
        .forEach((k, v) -> builder.environment().put(k, onThisMachine(k, v, volume)));
    processes.put(name, builder.start());
    awaitHealthy(service);
  }

  private List<String> ours(String module) throws IOException {
    var command = new ArrayList<String>();
    var cmd =
        image().stream()
            .filter(line -> line.startsWith("CMD "))
            .reduce("", (_, last) -> last.substring("CMD ".length()).strip());
    for (var word :
        Json.read(cmd.getBytes(java.nio.charset.StandardCharsets.UTF_8), String[].class)) {
      command.add(
          switch (word) {
            case "java" -> java();
            case "service.jar" ->
                jar(root, module)
                    .orElseThrow(
                        () ->
                            new IOException(
                                "no executable jar of %s: build it with mvn package -DskipTests"
                                    .formatted(module)))
                    .toString();
            default -> word;
          });
    }
    return command;
  }

  /** The lines of the Dockerfile that make the image of a service. */
  private List<String> image() throws IOException {
    var lines = new ArrayList<String>();
    boolean isIts = false;
    for (var line : Files.readAllLines(root.resolve("deploy/Dockerfile"))) {
      if (line.startsWith("FROM ")) {
        isIts = line.endsWith(" AS runtime") || line.endsWith(" AS service");
      }
      if (isIts && !lines.isEmpty() && lines.getLast().endsWith("\\")) {
        var begun = lines.removeLast();
        lines.add(begun.substring(0, begun.length() - 1).strip() + " " + line.strip());
      } else if (isIts) {
        lines.add(line);
      }
    }
    return lines;
  }

  private static Optional<Path> jar(Path root, String module) throws IOException {
    var target = root.resolve(module).resolve("target");
    if (!Files.isDirectory(target)) {
      return Optional.empty();
    }
    try (Stream<Path> files = Files.list(target)) {
      return files
          .filter(f -> f.toString().endsWith("-exec.jar"))
          .map(Path::toAbsolutePath)
          .findFirst();
    }
  }

  private Map<String, String> dockerfileEnvironment(ComposeFile.Service service)
      throws IOException {
    var environment = new LinkedHashMap<String, String>();
    if (service.build() == null) {
      return environment;
    }
    for (var line : image()) {
      if (line.startsWith("ENV ")) {
        for (var pair : line.substring(4).split(" ")) {
          var parts = pair.split("=", 2);
          environment.put(parts[0], onThisMachine(parts[1], data.resolve(service.name())));
        }
      }
    }
    // PyTorch's libraries are the same for all: unpacked once
    environment.computeIfPresent(
        "DJL_CACHE_DIR", (_, inside) -> System.getenv().getOrDefault("DJL_CACHE_DIR", inside));
    return environment;
  }

  /** The image's rule: KAFKA_LOG_DIRS is log.dirs; it formats its folder at the first start. */
  private List<String> kafka(ComposeFile.Service service, Path volume)
      throws IOException, InterruptedException {
    var properties = new ArrayList<String>();
    service
        .environment()
        .forEach(
            (key, value) ->
                properties.add(
                    key.substring("KAFKA_".length()).toLowerCase(Locale.ROOT).replace('_', '.')
                        + "="
                        + onThisMachine(key, value, volume)));
    var config = volume.resolve("server.properties");
    Files.write(config, properties);
    var jars = List.of(java(), "-Xmx512m", "-cp", System.getProperty("java.class.path"));
    var format = new ArrayList<>(jars);
    format.addAll(
        List.of(
            "kafka.tools.StorageTool",
            "format",
            "--ignore-formatted",
            "--cluster-id",
            CLUSTER_ID,
            "--config",
            config.toString()));
    var formatted =
        new ProcessBuilder(format)
            .redirectErrorStream(true)
            .redirectOutput(data.resolve("kafka-format.log").toFile())
            .start();
    if (formatted.waitFor() != 0) {
      throw new IOException(
          "cannot format Kafka's folder: see " + data.resolve("kafka-format.log"));
    }
    var run = new ArrayList<>(jars);
    run.addAll(List.of("kafka.Kafka", config.toString()));
    return run;
  }

  private void awaitHealthy(ComposeFile.Service service) throws IOException, InterruptedException {
    var test = String.join(" ", service.healthcheck());
    if (test.isEmpty()) {
      return;
    }
    var deadline = System.nanoTime() + HEALTHY_WITHIN.toNanos();
    while (!isHealthy(test)) {
      var process = processes.get(service.name());
      if (process == null || !process.isAlive() || System.nanoTime() > deadline) {
        throw new IOException(
            "%s did not become healthy: see %s"
                .formatted(service.name(), data.resolve(service.name() + ".log")));
      }
      Thread.sleep(200);
    }
  }

  /** The file's own health checks, without their tools: an HTTP URL, or a broker's address. */
  private boolean isHealthy(String test) throws InterruptedException {
    var url = Pattern.compile("http://\\S+").matcher(test);
    try {
      if (url.find()) {
        try (var http = HttpClient.newHttpClient()) {
          var request =
              HttpRequest.newBuilder(URI.create(onThisMachine(url.group(), data)))
                  .timeout(Duration.ofSeconds(5))
                  .build();
          return http.send(request, BodyHandlers.discarding()).statusCode() == 200;
        }
      }
      var broker = Pattern.compile("--bootstrap-server (\\S+)").matcher(test);
      if (broker.find()) {
        try (var admin =
            Admin.create(
                Map.<String, Object>of(
                    "bootstrap.servers",
                    onThisMachine(broker.group(1), data),
                    "default.api.timeout.ms",
                    "3000",
                    "request.timeout.ms",
                    "3000"))) {
          return !admin.describeCluster().nodes().get().isEmpty();
        }
      }
      throw new IllegalArgumentException("a health check that is not understood: " + test);
    } catch (IOException | ExecutionException e) {
      return false;
    }
  }

  private String onThisMachine(String key, String value, Path volume) {
    return key.equals("SERVER_PORT")
        ? Integer.toString(port(Integer.parseInt(value)))
        : onThisMachine(value, volume);
  }

  private String onThisMachine(String value, Path volume) {
    // a service's host and port, or a port to listen on; never the address of something outside
    var place =
        Pattern.compile(
            "(?<![\\w.-])(?:%s|localhost)?:(\\d{4,5})(?!\\d)"
                .formatted(String.join("|", file.services().keySet())));
    var text =
        place.matcher(value).replaceAll(m -> "127.0.0.1:" + port(Integer.parseInt(m.group(1))));
    return text.replaceAll(
        "^/(data|var/lib/kafka/data)", Matcher.quoteReplacement(volume.toString()));
  }

  private static String java() {
    return Path.of(System.getProperty("java.home"), "bin", "java").toString();
  }

  private static int freePort() {
    try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
