package flora.standalone.cli;

import flora.standalone.demo.Demo;
import java.io.Console;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora demo}: the whole chain on bundled models. */
@Command(
    name = "demo",
    description =
        "The whole pipeline on small bundled models: fetch, label, train, and the same prompts"
            + " before and after.")
final class DemoCommand implements Callable<Integer> {

  @Option(names = "--keep", description = "go on serving afterwards, and say where")
  boolean keep;

  @Option(
      names = "--control",
      description = "learn from pictures without the style, which must not pass")
  boolean control;

  @Option(
      names = "--to",
      paramLabel = "DIR",
      description = "where the previews and the adapter go; default: demo in the data folder")
  @Nullable Path to;

  @Override
  public Integer call() throws Exception {
    var data = Path.of(System.getenv().getOrDefault("FLORA_DATA", ".flora"));
    var folder = to != null ? to : data.resolve(control ? "demo-control" : "demo");
    boolean terminal = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    // the terminal is the demo's; what the services say lies beside the results
    System.setProperty("flora.log.console", "OFF");
    System.setProperty("flora.log.file", folder.resolve("flora.log").toString());
    return Demo.run(new Demo.Options(folder, keep, control, terminal), System.out);
  }
}
