package flora.standalone.cli;

import flora.models.ModelException;
import flora.standalone.client.InvalidInput;
import flora.tensors.SafetensorsException;
import flora.trainer.merge.Merge;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora merge}: adapters into the weights of a model. */
@Command(
    name = "merge",
    description = {
      "Add adapters to the weights of a Stable Diffusion model and write a model that needs none.",
      "",
      "The result has the layout of the base, a folder as diffusers has them or one .safetensors"
          + " file, and its number format. What no adapter changes keeps its bytes. No server is"
          + " needed, and little memory.",
      "",
      "  flora merge --model sd15 --adapter style.safetensors:0.8 --output sd15-style"
    })
final class MergeCommand implements Callable<Integer> {

  private static final String NUMBER = "([-+]?(?:\\d+\\.?\\d*|\\.\\d+))";
  private static final Pattern USE =
      Pattern.compile("(.+?)(?::" + NUMBER + ")?(?::" + NUMBER + ")?");

  @Option(
      names = "--model",
      required = true,
      paramLabel = "BASE",
      description = "a folder with unet/ and text_encoder/, or one file with all networks")
  Path model = Path.of("");

  @Option(
      names = "--adapter",
      required = true,
      paramLabel = "FILE[:S[:T]]",
      description =
          "an adapter of kohya's, diffusers' or peft's keys, may be repeated; S: how strongly, 1 = as"
              + " trained; T: the same for the text encoder, else S")
  List<String> adapters = List.of();

  @Option(
      names = {"--output", "-o"},
      required = true,
      paramLabel = "TO",
      description = "a folder or a file that is not there yet, as the base is")
  Path output = Path.of("");

  @Override
  public Integer call() {
    if (Files.exists(output)) {
      throw new InvalidInput("--output %s is there already; name another".formatted(output));
    }
    var uses = adapters.stream().map(MergeCommand::use).toList();
    boolean watched = Terminal.isThere();
    int changed;
    try {
      changed =
          Merge.merge(
              model,
              uses,
              output,
              (done, total) -> {
                if (watched && (done % 16 == 0 || done == total)) {
                  System.out.printf(
                      "\r%d of %d tensors%s", done, total, done == total ? "%n".formatted() : "");
                  System.out.flush();
                }
              });
    } catch (ModelException | SafetensorsException e) {
      throw new InvalidInput(String.valueOf(e.getMessage()));
    }
    System.out.printf(
        "%s: %d tensors changed by %d adapter%s%n",
        output, changed, uses.size(), uses.size() == 1 ? "" : "s");
    return Main.DONE;
  }

  private static Merge.Use use(String text) {
    // a file of that very name wins over a strength
    Matcher parts = USE.matcher(text);
    if (Files.exists(Path.of(text)) || !parts.matches()) {
      return new Merge.Use(Path.of(text), 1, 1);
    }
    double unet = parts.group(2) == null ? 1 : Double.parseDouble(parts.group(2));
    double textEncoder = parts.group(3) == null ? unet : Double.parseDouble(parts.group(3));
    return new Merge.Use(Path.of(parts.group(1)), unet, textEncoder);
  }
}
