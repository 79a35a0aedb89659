package flora.standalone.cli;

import flora.standalone.bench.TrainBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora bench train-sd}: steps of a LoRA beside diffusers and peft. */
@Command(
    name = "train-sd",
    description = {
      "Train a Stable Diffusion LoRA beside diffusers and peft, on this machine alone, and print"
          + " Markdown tables: seconds a step (median, from, to), ratios, most memory, and what is"
          + " wanted of them.",
      "",
      "Both train rank 8 on attention in fp32, batch 1, on latents and texts that are there"
          + " already. They take turns. Where diffusers is not installed, what is wanted of it is"
          + " left out.",
      "",
      "256             at most 0.8 × its time and 0.9 × its memory",
      "512             at most 0.95 × its time and 0.9 × its memory",
      "256-recomputed  both with gradient checkpointing: the same, and 0.8 × its memory",
      "512-recomputed  likewise",
      "",
      "Exit code 1 when a number that is wanted was missed."
    })
final class BenchTrainCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "a Stable Diffusion model in the layout of diffusers")
  Path model = Path.of("");

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "SCENARIO",
      description = "only these; default: all")
  Set<String> only = Set.of();

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "of a round, whose median counts; default: ${DEFAULT-VALUE}")
  int steps = 4;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "how often each one has its turn; default: ${DEFAULT-VALUE}")
  int rounds = 3;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "that compute, in each process; default: all of this machine")
  int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--peers",
      paramLabel = "PYTHON",
      description = "an interpreter that has diffusers and peft; default: ${DEFAULT-VALUE}")
  String python = "python3";

  @Option(
      names = "--work",
      paramLabel = "DIR",
      description = "for logs meanwhile; default: a temporary folder")
  Path work = Path.of(System.getProperty("java.io.tmpdir"));

  @Override
  public Integer call() throws Exception {
    var folder = Files.createTempDirectory(Files.createDirectories(work), "flora-bench");
    var bench =
        new TrainBench(System.out, folder, model.toAbsolutePath(), python, threads, steps, rounds);
    int code = bench.run(only);
    Files.delete(folder);
    return code;
  }
}
