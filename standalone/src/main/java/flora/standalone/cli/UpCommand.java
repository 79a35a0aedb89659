package flora.standalone.cli;

import flora.standalone.Standalone;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora up}: serves until it is told to stop. */
@Command(
    name = "up",
    description = "Serve: broker, store and all services in one process, until Ctrl-C.")
final class UpCommand implements Callable<Integer> {

  @Option(
      names = {"--FLORA_DATA", "--data"},
      paramLabel = "DIR",
      description = "data folder; default .flora")
  @Nullable String data;

  @Option(
      names = {"--FLORA_PORT", "--port"},
      paramLabel = "PORT",
      description = "of the gateway; 0 = a free one; default 8080")
  @Nullable String port;

  @Option(
      names = {"--FLORA_KAFKA_PORT", "--kafka-port"},
      paramLabel = "PORT",
      description = "of Kafka; default 9092")
  @Nullable String kafkaPort;

  @Option(
      names = {"--FLORA_S3_PORT", "--s3-port"},
      paramLabel = "PORT",
      description = "of the store; default 9000")
  @Nullable String s3Port;

  @Option(
      names = {"--FLORA_BIND", "--bind"},
      paramLabel = "ADDRESS",
      description = "of the gateway; default 127.0.0.1")
  @Nullable String bind;

  @Option(
      names = {"--FLORA_KAFKA_BIND", "--kafka-bind"},
      paramLabel = "ADDRESS",
      description = "of Kafka; default 127.0.0.1")
  @Nullable String kafkaBind;

  @Option(
      names = {"--FLORA_S3_BIND", "--s3-bind"},
      paramLabel = "ADDRESS",
      description = "of the store; default 127.0.0.1")
  @Nullable String s3Bind;

  @Option(
      names = {"--FLORA_CONFIG", "--config"},
      paramLabel = "FILE",
      description = "everything else; default flora.yml if it is there")
  @Nullable String config;

  @Option(
      names = {"--HF_ENDPOINT", "--hf-endpoint"},
      paramLabel = "URL",
      description = "hub or mirror to fetch from")
  @Nullable String hub;

  @Override
  public Integer call() throws Exception {
    var standalone = Standalone.start(environment());
    var stopped = new CountDownLatch(1);
    // the hook stops in order; the exit code is 0 although a signal came
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  standalone.close();
                  stopped.countDown();
                  Runtime.getRuntime().halt(Main.DONE);
                },
                "flora-shutdown"));
    System.out.println(standalone.readyLine());
    stopped.await();
    return Main.DONE;
  }

  private Map<String, String> environment() {
    var environment = new HashMap<>(System.getenv());
    put(environment, "FLORA_DATA", data);
    put(environment, "FLORA_PORT", port);
    put(environment, "FLORA_KAFKA_PORT", kafkaPort);
    put(environment, "FLORA_S3_PORT", s3Port);
    put(environment, "FLORA_BIND", bind);
    put(environment, "FLORA_KAFKA_BIND", kafkaBind);
    put(environment, "FLORA_S3_BIND", s3Bind);
    put(environment, "FLORA_CONFIG", config);
    put(environment, "HF_ENDPOINT", hub);
    return environment;
  }

  private static void put(Map<String, String> environment, String name, @Nullable String value) {
    if (value != null) {
      environment.put(name, value);
    }
  }
}
