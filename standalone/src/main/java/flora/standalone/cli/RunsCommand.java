package flora.standalone.cli;

import flora.schemas.Json;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flora runs}: the newest runs, one a line. */
@Command(name = "runs", description = "List the newest runs.")
final class RunsCommand implements Callable<Integer> {

  @Option(
      names = "--limit",
      defaultValue = "20",
      description = "how many; default ${DEFAULT-VALUE}")
  int limit;

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      for (var run : connection.client().runs(limit)) {
        if (options.json) {
          System.out.println(new String(Json.bytes(run), StandardCharsets.UTF_8));
        } else {
          System.out.printf(
              "%s  %-9s  %s  %s%n",
              run.id(),
              Json.mapper().valueToTree(run.status()).asString(),
              run.createdAt(),
              run.name());
        }
      }
    }
    return Main.DONE;
  }
}
