package flora.standalone.cli;

import flora.standalone.bench.LabelBench;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora bench label}: labels beside transformers. */
@Command(
    name = "label",
    description = {
      "Label pictures beside transformers, on this machine alone, and print Markdown tables:"
          + " seconds (median, from, to), rates, ratios, and what is wanted of them.",
      "",
      "Both read the same JPEG files, decode and resize them, and find the likeliest of ten labels"
          + " with a CLIP model. They take turns. Where transformers is not installed, the number"
          + " that is wanted of it is left out.",
      "",
      "fp32       at least 1.15 × transformers",
      "int8       at least 1.9 × transformers",
      "decode     512 pictures of 12 megapixels: how much the model waits",
      "agreement  with --images: int8 and fp32 give the same label to 99 %%",
      "right      with --images: 95 %% of the labels are those of labels.csv",
      "",
      "Exit code 1 when a number that is wanted was missed."
    })
final class BenchLabelCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR",
      description = "a CLIP model, as its repository has it")
  Path model = Path.of("");

  @Option(
      names = "--images",
      paramLabel = "DIR",
      description = "pictures with a labels.csv (file_name,text) that says what they show")
  @Nullable Path images;

  @Option(
      names = "--only",
      split = ",",
      paramLabel = "SCENARIO",
      description = "only these; default: all")
  Set<String> only = Set.of();

  @Option(
      names = "--pictures",
      paramLabel = "N",
      description = "that each one labels in a round; default: ${DEFAULT-VALUE}")
  int pictures = 32;

  @Option(
      names = "--rounds",
      paramLabel = "N",
      description = "how often each one runs; the median counts; default: ${DEFAULT-VALUE}")
  int rounds = 3;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "that compute, in each process; default: all of this machine")
  int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--peers",
      paramLabel = "PYTHON",
      description = "an interpreter that has transformers; default: ${DEFAULT-VALUE}")
  String python = "python3";

  @Option(
      names = "--work",
      paramLabel = "DIR",
      description = "where up to 2 GB lie meanwhile; default: a temporary folder")
  Path work = Path.of(System.getProperty("java.io.tmpdir"));

  @Override
  public Integer call() throws Exception {
    var folder = Files.createTempDirectory(Files.createDirectories(work), "flora-bench");
    var bench =
        new LabelBench(
            System.out,
            folder,
            model.toAbsolutePath(),
            images == null ? null : images.toAbsolutePath(),
            python,
            threads,
            pictures,
            rounds);
    int code = bench.run(only);
    Files.delete(folder);
    return code;
  }
}
