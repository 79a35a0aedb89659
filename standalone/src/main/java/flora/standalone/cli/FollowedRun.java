package flora.standalone.cli;

import flora.schemas.RunId;
import flora.schemas.run.Run;
import flora.standalone.client.RunFollower;

/** Follows a run on the terminal and says how it ended. */
final class FollowedRun {

  private FollowedRun() {}

  /** Follows the run; when it succeeded, {@code then} has the last word. */
  static int toTheEnd(
      Connection connection, RunId id, Connection.Options options, AfterSuccess then)
      throws Exception {
    var style =
        options.json
            ? RunFollower.Style.JSON
            : Terminal.isThere() ? RunFollower.Style.BARS : RunFollower.Style.LINES;
    Run run;
    try (var _ = Farewell.saying(farewell(connection, id))) {
      run = new RunFollower(connection.client(), System.out, style).follow(id);
    }
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

  private static String farewell(Connection connection, RunId id) {
    return connection.isOwn()
        ? "stopped; what is done stays, and the next server goes on from there: ./flora up"
        : "%s goes on without this command: ./flora status %s shows it, ./flora cancel %s ends it"
            .formatted(id, id, id);
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
