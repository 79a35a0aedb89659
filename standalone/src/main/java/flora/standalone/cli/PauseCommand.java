package flora.standalone.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flora pause RUN}. */
@Command(name = "pause", description = "Let a run wait until it is resumed; its checkpoints stay.")
final class PauseCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      connection.client().pause(run.get());
      System.out.println("pause requested: " + run.id);
    }
    return Main.DONE;
  }
}
