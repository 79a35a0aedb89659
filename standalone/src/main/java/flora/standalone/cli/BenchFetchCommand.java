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
      "Download beside curl, aria2c and huggingface_hub, on this machine alone, and print Markdown"
          + " tables: seconds (median, from, to), rates, ratios, and what is wanted of them.",
      "",
      "The engine hashes, stores into the embedded S3 and publishes in the time given; the others"
          + " write plain files. Those that are not installed are left out, with the numbers that"
          + " are wanted of them.",
      "",
      "connections  8 MiB/s a connection, 40 ms: beside curl and aria2c -x16 -s16",
      "loopback     no limit: beside the store's own rate, SHA-256, huggingface_hub",
      "mirrors      a dead, a corrupting, a slow and a good one: beside the good one alone",
      "small        1,000 small files: beside snapshot_download",
      "memory       how much the process grows",
      "resume       what is fetched again after kill -9",
      "",
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
      names = "--rounds",
      paramLabel = "N",
      description = "how often each one runs; the median counts; default: ${DEFAULT-VALUE}")
  int rounds = 3;

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
    int code = new FetchBench(System.out, folder, python, size << 20, rounds).run(only);
    Files.deleteIfExists(folder.resolve("peers.log"));
    Files.delete(folder);
    return code;
  }
}
