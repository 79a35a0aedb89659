package flora.standalone.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flora save RUN}. */
@Command(
    name = "save",
    description = "Ask a training for a checkpoint, and its previews, at the end of its step.")
final class SaveCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      connection.client().save(run.get());
      connection.client().preview(run.get());
      System.out.println("checkpoint and previews requested: " + run.id);
    }
    return Main.DONE;
  }
}
