package flora.standalone.cli;

import flora.schemas.RunId;
import flora.schemas.run.Run;
import flora.standalone.client.GatewayClient;
import flora.standalone.client.RunFollower;
import java.io.Console;
import java.util.Optional;

/** Follows a run on the terminal and says how it ended. */
final class FollowedRun {

  private FollowedRun() {}

  /** Follows the run; when it succeeded, {@code then} has the last word. */
  static int toTheEnd(GatewayClient client, RunId id, Connection.Options options, AfterSuccess then)
      throws Exception {
    var style =
        options.json
            ? RunFollower.Style.JSON
            : isTerminal() ? RunFollower.Style.BARS : RunFollower.Style.LINES;
    Run run = new RunFollower(client, System.out, style).follow(id);
    return switch (run.status()) {
      case SUCCEEDED -> {
        then.accept(run);
        yield Main.DONE;
      }
      case CANCELLED -> {
        System.err.println("cancelled: " + id);
        yield Main.CANCELLED;
      }
      case FAILED -> {
        explain(run);
        yield Main.RUN_FAILED;
      }
      case QUEUED, FETCHING, LABELLING, TRAINING, PAUSED ->
          throw new IllegalStateException("not followed to its end: " + run.status());
    };
  }

  private static boolean isTerminal() {
    return Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
  }

  private static void explain(Run run) {
    var error = run.error();
    if (error == null) {
      System.err.println("failed: " + run.id());
      return;
    }
    System.err.printf("%s in %s: %s%n", error.code(), error.stage().id(), error.message());
    if (error.hint() != null) {
      System.err.println("  " + error.hint());
    }
  }

  /** What is left to do with a run that succeeded. */
  interface AfterSuccess {
    void accept(Run run) throws Exception;
  }
}
