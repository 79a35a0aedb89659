package flora.standalone.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flora cancel RUN}. */
@Command(name = "cancel", description = "Cancel a run; its checkpoints stay.")
final class CancelCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      connection.client().cancel(run.get());
      System.out.println("cancel requested: " + run.id);
    }
    return Main.DONE;
  }
}
