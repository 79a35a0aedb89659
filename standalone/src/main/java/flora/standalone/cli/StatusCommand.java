package flora.standalone.cli;

import flora.schemas.Json;
import flora.schemas.run.StageState;
import flora.standalone.client.StageLine;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code flora status RUN}: where a run stands. */
@Command(name = "status", description = "Show where a run stands.")
final class StatusCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();
  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      var found = connection.client().run(run.get());
      if (options.json) {
        System.out.println(new String(Json.bytes(found), StandardCharsets.UTF_8));
        return Main.DONE;
      }
      System.out.printf(
          "%s  %s  %s%s%n",
          found.id(),
          found.name(),
          Json.mapper().valueToTree(found.status()).asString(),
          found.stalled() ? "  (stalled)" : "");
      found
          .stages()
          .forEach(
              (stage, state) -> {
                if (state.status() != StageState.Status.SKIPPED) {
                  System.out.println("  " + StageLine.bar(stage, state));
                }
              });
      found.checkpoints().forEach(c -> System.out.printf("  checkpoint at step %d%n", c.step()));
      found
          .artifacts()
          .forEach(a -> System.out.printf("  %s  %s%n", StageLine.bytes(a.size()), a.name()));
      if (found.error() != null) {
        System.out.printf("  %s: %s%n", found.error().code(), found.error().message());
      }
    }
    return Main.DONE;
  }
}
