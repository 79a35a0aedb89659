package flora.standalone;

import flora.embedded.EmbeddedKafka;
import flora.embedded.EmbeddedS3;
import flora.fetcher.FetcherApplication;
import flora.gateway.GatewayApplication;
import flora.labeler.LabelerApplication;
import flora.schemas.Json;
import flora.store.LocalParts;
import flora.trainer.TrainerApplication;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Supplier;
import java.util.logging.Level;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.Banner;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.logging.LoggingSystem;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;

/**
 * The whole pipeline in this JVM: a Kafka broker and an S3 endpoint on the data folder, then the
 * four services side by side, each an application of its own as in the containers.
 *
 * <p>Closing goes the other way: services first, so that they hand back their work, then the store,
 * then the broker.
 */
public final class Standalone implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Standalone.class);

  private static final Duration READY_WITHIN = Duration.ofSeconds(30);
  private static final Duration READY_POLL = Duration.ofMillis(50);
  private static final int HTTP_OK = 200;

  private final StandaloneSettings settings;
  private final EmbeddedKafka kafka;
  private final EmbeddedS3 s3;
  private final List<ConfigurableApplicationContext> services;
  private final int gatewayPort;

  private Standalone(
      StandaloneSettings settings,
      EmbeddedKafka kafka,
      EmbeddedS3 s3,
      List<ConfigurableApplicationContext> services,
      int gatewayPort) {
    this.settings = settings;
    this.kafka = kafka;
    this.s3 = s3;
    this.services = services;
    this.gatewayPort = gatewayPort;
  }

  /**
   * Starts everything and returns when it serves.
   *
   * @param environment as of a process: {@code FLORA_DATA}, {@code FLORA_PORT}, {@code
   *     HF_ENDPOINT}, …
   * @throws InvalidSetting for a setting that cannot be served
   * @throws flora.embedded.FolderInUseException when another process serves the data folder
   * @throws flora.embedded.PortInUseException when a port is taken
   */
  public static Standalone start(Map<String, String> environment)
      throws IOException, InterruptedException {
    // logback.xml is for all: four applications that set up logging at once undo each other's
    System.setProperty(LoggingSystem.SYSTEM_PROPERTY, LoggingSystem.NONE);
    java.util.logging.Logger.getLogger("").setLevel(Level.WARNING); // Tomcat's
    var settings = StandaloneSettings.of(environment);
    Files.createDirectories(settings.data());
    try (var threads = Executors.newFixedThreadPool(5)) {
      @Nullable Future<EmbeddedKafka> broker = null;
      @Nullable EmbeddedKafka kafka = null;
      @Nullable EmbeddedS3 s3 = null;
      var services = new ArrayList<ConfigurableApplicationContext>();
      try {
        broker = threads.submit(() -> EmbeddedKafka.start(kafka(settings)));
        s3 = EmbeddedS3.start(s3(settings));
        kafka = result(broker);
        startServices(
            threads,
            properties(settings, environment, kafka, s3),
            s3::putPart,
            configFile(environment),
            services);
        var gateway = services.getLast();
        int port = gateway.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
        var standalone = new Standalone(settings, kafka, s3, List.copyOf(services), port);
        standalone.awaitReady();
        standalone.writePorts();
        return standalone;
      } catch (IOException | InterruptedException | RuntimeException e) {
        close(services, s3, kafka == null && broker != null ? started(broker) : kafka);
        throw e;
      }
    }
  }

  /** Address of the REST interface. */
  public URI gateway() {
    return URI.create("http://%s:%d".formatted(reachable(settings.bind()), gatewayPort));
  }

  /** For Kafka clients on this machine. */
  public String kafka() {
    return kafka.bootstrapServers();
  }

  /** Address of the S3 endpoint. */
  public URI s3() {
    return s3.endpoint();
  }

  /** The one line that says it serves. */
  public String readyLine() {
    return "flora is ready: %s kafka=%s s3=%s".formatted(gateway(), kafka(), s3());
  }

  @Override
  public void close() {
    try {
      Files.deleteIfExists(PortsFile.of(settings.data()));
    } catch (IOException e) {
      log.warn("cannot remove ports.json: {}", e.getMessage());
    }
    close(services, s3, kafka);
  }

  private static void startServices(
      ExecutorService threads,
      Map<String, Object> properties,
      LocalParts parts,
      String configFile,
      List<ConfigurableApplicationContext> started)
      throws IOException, InterruptedException {
    List<Supplier<SpringApplicationBuilder>> builders =
        List.of(
            FetcherApplication::builder,
            LabelerApplication::builder,
            TrainerApplication::builder,
            GatewayApplication::builder);
    var starts = new ArrayList<Future<ConfigurableApplicationContext>>();
    for (var builder : builders) {
      Callable<ConfigurableApplicationContext> start =
          () ->
              builder
                  .get()
                  .registerShutdownHook(false)
                  .bannerMode(Banner.Mode.OFF)
                  .initializers(
                      context -> {
                        context
                            .getEnvironment()
                            .getPropertySources()
                            .addFirst(new MapPropertySource("standalone", properties));
                        context.getBeanFactory().registerSingleton("localParts", parts);
                      })
                  .run("--spring.config.additional-location=" + configFile);
      starts.add(threads.submit(start));
    }
    // wait for all, so that a failure leaves none behind
    RuntimeException failure = null;
    for (var start : starts) {
      try {
        started.add(result(start));
      } catch (RuntimeException e) {
        failure = e;
      }
    }
    if (failure != null) {
      var invalid = InvalidSetting.in(failure);
      throw invalid.isPresent() ? invalid.get() : failure;
    }
  }

  /** The file with everything that has no variable: one that is named has to be there. */
  private static String configFile(Map<String, String> environment) {
    var named = environment.getOrDefault("FLORA_CONFIG", "");
    return named.isEmpty()
        ? "optional:" + Path.of("flora.yml").toUri()
        : Path.of(named).toUri().toString();
  }

  private static Map<String, Object> properties(
      StandaloneSettings settings,
      Map<String, String> environment,
      EmbeddedKafka kafka,
      EmbeddedS3 s3) {
    var properties = new HashMap<String, Object>();
    environment.forEach(
        (name, value) -> {
          if (name.startsWith("FLORA_") || name.startsWith("HF_") || name.endsWith("_PROXY")) {
            properties.put(name, value);
          }
        });
    properties.put("spring.kafka.bootstrap-servers", kafka.bootstrapServers());
    properties.put("spring.cloud.stream.kafka.binder.brokers", kafka.bootstrapServers());
    properties.put("spring.jmx.enabled", "false");
    properties.put("store.endpoint", s3.endpoint().toString());
    properties.put("store.access-key", s3.accessKey());
    properties.put("store.secret-key", s3.secretKey());
    properties.put("store.local-folder", s3.objects().toString());
    properties.put("store.cache-folder", settings.data().resolve("cache").toString());
    properties.put("trainer.work-folder", settings.data().resolve("trainer").toString());
    // one process a data folder: after a crash the worker's runs go on at once, not after the lease
    properties.put("stage.worker", "standalone");
    properties.put("server.address", settings.bind());
    properties.put("server.port", settings.port());
    return properties;
  }

  private static EmbeddedKafka.Options kafka(StandaloneSettings settings) {
    var login =
        settings.kafkaUser() == null || settings.kafkaPassword() == null || settings.kafkaIsLocal()
            ? null
            : new EmbeddedKafka.Login(settings.kafkaUser(), settings.kafkaPassword().value());
    return new EmbeddedKafka.Options(
        settings.data().resolve("kafka"),
        settings.kafkaBind(),
        settings.kafkaPort(),
        login,
        Map.of());
  }

  private static EmbeddedS3.Options s3(StandaloneSettings settings) {
    return new EmbeddedS3.Options(
        settings.data().resolve("s3"),
        settings.s3Bind(),
        settings.s3Port(),
        settings.accessKey(),
        settings.secretKey().value());
  }

  /** The gateway serves once it has read the runs. */
  private void awaitReady() throws IOException, InterruptedException {
    var request =
        HttpRequest.newBuilder(gateway().resolve("/readyz")).timeout(READY_WITHIN).build();
    long deadline = System.nanoTime() + READY_WITHIN.toNanos();
    try (var http = HttpClient.newBuilder().proxy(HttpClient.Builder.NO_PROXY).build()) {
      while (http.send(request, BodyHandlers.discarding()).statusCode() != HTTP_OK) {
        if (System.nanoTime() > deadline) {
          log.warn("the gateway still reads the runs; it serves them as they come");
          return;
        }
        Thread.sleep(READY_POLL);
      }
    }
  }

  private void writePorts() throws IOException {
    var ports = new LinkedHashMap<String, Object>();
    ports.put("gateway", gateway().toString());
    ports.put("kafka", kafka());
    ports.put("s3", s3().toString());
    ports.put("port", gatewayPort);
    ports.put("kafka_port", Integer.valueOf(kafka().substring(kafka().lastIndexOf(':') + 1)));
    ports.put("s3_port", s3().getPort());
    ports.put("pid", ProcessHandle.current().pid());
    var file = PortsFile.of(settings.data());
    var part = file.resolveSibling("ports.json.part");
    Files.write(part, Json.bytes(ports));
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  private static String reachable(String bind) {
    return bind.equals("0.0.0.0") || bind.equals("::") ? "127.0.0.1" : bind;
  }

  private static void close(
      List<ConfigurableApplicationContext> services,
      @Nullable EmbeddedS3 s3,
      @Nullable EmbeddedKafka kafka) {
    for (var service : services.reversed()) {
      service.close();
    }
    try {
      if (s3 != null) {
        s3.close();
      }
      if (kafka != null) {
        kafka.close();
      }
    } catch (IOException e) {
      log.warn("did not stop in order: {}", e.getMessage());
    }
  }

  /** A broker whose start nobody has waited for yet. */
  private static @Nullable EmbeddedKafka started(Future<EmbeddedKafka> broker)
      throws InterruptedException {
    try {
      return result(broker);
    } catch (IOException | RuntimeException e) {
      return null;
    }
  }

  private static <T> T result(Future<T> future) throws IOException, InterruptedException {
    try {
      return future.get();
    } catch (ExecutionException e) {
      switch (e.getCause()) {
        case IOException io -> throw io;
        case RuntimeException runtime -> throw runtime;
        case null, default -> throw new IllegalStateException("cannot start", e.getCause());
      }
    }
  }
}
