package flora.standalone.cli;

import flora.standalone.parity.Parity;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * {@code flora parity DIR}: the networks and training steps against the Python libraries' values.
 */
@Command(
    name = "parity",
    description = {
      "Compare the networks and training steps with recorded values of the Python libraries.",
      "One line for each golden set of the folder: ok|FAIL|unsupported, the set, the tensor with the largest excess, max_abs_diff, tolerance."
    })
final class ParityCommand implements Callable<Integer> {

  @Parameters(paramLabel = "DIR", description = "a folder with models/, images/ and golden/")
  Path folder = Path.of("");

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "SET",
      description = "only these sets; default: all")
  Set<String> only = Set.of();

  @Option(
      names = "--export",
      paramLabel = "FOLDER",
      description = "write the adapters of replayed trainings there, as a run would")
  @Nullable Path exports;

  @Override
  public Integer call() {
    return new Parity(folder, System.out, exports).run(only);
  }
}
