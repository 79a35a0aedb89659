package flora.standalone.cli;

import flora.standalone.client.InvalidInput;
import flora.standalone.compose.ComposeLocal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora compose-local}: docker-compose.yml without Docker, for developers. */
@Command(
    name = "compose-local",
    hidden = true,
    description = "Start the services of docker-compose.yml as processes, until Ctrl-C.")
final class ComposeLocalCommand implements Callable<Integer> {

  @Option(names = "--data", paramLabel = "DIR", description = "default: ${DEFAULT-VALUE}")
  Path data = Path.of(".flora", "compose");

  @Override
  public Integer call() throws Exception {
    var minio =
        ComposeLocal.minio(System.getenv())
            .orElseThrow(
                () ->
                    new InvalidInput(
                        "no MinIO server binary: expected on the PATH, in ~/go/bin or named by"
                            + " FLORA_MINIO"));
    Files.createDirectories(data);
    var services = ComposeLocal.up(Path.of(""), data, minio, System.getenv());
    var stopped = new CountDownLatch(1);
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  services.close();
                  stopped.countDown();
                }));
    System.out.printf(
        "compose is up: http://127.0.0.1:%d kafka=127.0.0.1:%d s3=http://127.0.0.1:%d%n",
        services.port(8080), services.port(9092), services.port(9000));
    stopped.await();
    return Main.DONE;
  }
}
