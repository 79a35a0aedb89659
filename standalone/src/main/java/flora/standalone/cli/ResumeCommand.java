package flora.standalone.cli;

import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flora resume RUN}. */
@Command(name = "resume", description = "Let a paused run go on from its last checkpoint.")
final class ResumeCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      connection.client().resume(run.get());
      System.out.println("resume requested: " + run.id);
    }
    return Main.DONE;
  }
}
