package flora.standalone.cli;

import flora.standalone.client.InvalidInput;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flora get RUN}: the files that a run left. */
@Command(name = "get", description = "Download the files that a run left.")
final class GetCommand implements Callable<Integer> {

  @Mixin RunIdArgument run = new RunIdArgument();

  @Parameters(
      index = "1",
      arity = "0..1",
      paramLabel = "NAME",
      description = "one file, as flora status lists it; default: all")
  @Nullable String name;

  @Option(names = "--to", paramLabel = "DIR", description = "where to; default: here")
  Path to = Path.of("");

  @Mixin Connection.Options options = new Connection.Options();

  @Override
  public Integer call() throws Exception {
    try (var connection = Connection.existing(options, System.getenv())) {
      var client = connection.client();
      var artifacts =
          client.run(run.get()).artifacts().stream()
              .filter(a -> name == null || a.name().equals(name))
              .toList();
      if (artifacts.isEmpty()) {
        throw new InvalidInput(
            name == null
                ? "run %s has left no files yet".formatted(run.id)
                : "run %s has no file %s; ./flora status %s lists them"
                    .formatted(run.id, name, run.id));
      }
      for (var artifact : artifacts) {
        var file = OutputFile.inside(to, artifact.name());
        client.download(artifact.url(), file);
        System.out.println(file);
      }
    }
    return Main.DONE;
  }
}
