package flora.standalone.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code flora logs RUN}: the events of a run, one JSON a line. */
@Command(name = "logs", description = "Show the events of a run, one JSON value a line.")
final class LogsCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();

  @Option(
      names = {"-f", "--follow"},
      description = "go on until the run ends")
  boolean follow;

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      connection
          .client()
          .events(
              run.get(),
              follow,
              line -> {
                if (line.startsWith("data:")) {
                  System.out.println(line.substring("data:".length()).strip());
                }
              });
    }
    return Main.DONE;
  }
}
