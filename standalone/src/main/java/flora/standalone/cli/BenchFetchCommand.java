package flora.standalone.cli;

import flora.standalone.bench.FetchBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora bench fetch}: downloads beside curl, aria2c and huggingface_hub. */
@Command(
    name = "fetch",
    description = {
      "Download beside curl, aria2c and huggingface_hub, and print Markdown tables.",
      "Scenarios: connections, loopback, mirrors, small, memory, resume.",
      "Exit code 1 when a number that is wanted was missed."
    })
final class BenchFetchCommand implements Callable<Integer> {

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "SCENARIO",
      description = "only these; default: all")
  Set<String> only = Set.of();

  @Option(
      names = "--size",
      paramLabel = "MIB",
      description = "largest file; smaller is faster and says less")
  long size = 3072;

  @Option(
      names = "--peers",
      paramLabel = "PYTHON",
      description = "an interpreter that has huggingface_hub; default: ${DEFAULT-VALUE}")
  String python = "python3";

  @Option(
      names = "--work",
      paramLabel = "DIR",
      description = "where up to 12 GB lie meanwhile; default: a temporary folder")
  Path work = Path.of(System.getProperty("java.io.tmpdir"));

  @Override
  public Integer call() throws Exception {
    var folder = Files.createTempDirectory(Files.createDirectories(work), "flora-bench");
    int code = new FetchBench(System.out, folder, python, size << 20).run(only);
    Files.deleteIfExists(folder.resolve("peers.log"));
    Files.delete(folder);
    return code;
  }
}
