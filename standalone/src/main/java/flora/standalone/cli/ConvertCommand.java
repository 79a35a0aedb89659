package flora.standalone.cli;

import flora.models.ModelException;
import flora.schemas.PipelineException;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.standalone.client.InvalidInput;
import flora.tensors.SafetensorsException;
import flora.trainer.export.AdapterConversion;
import flora.trainer.export.AdapterConversion.Form;
import flora.trainer.export.AdapterFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code flora convert}: an adapter in the keys of another program. */
@Command(
    name = "convert",
    description = {
      "Write a LoRA adapter in the keys of another program; it acts as before.",
      "",
      "What is written is read back and compared. No server is needed.",
      "",
      "  flora convert style.safetensors --to diffusers --output pytorch_lora_weights.safetensors"
    })
final class ConvertCommand implements Callable<Integer> {

  @Parameters(
      paramLabel = "ADAPTER",
      description = "a file in kohya's or diffusers' keys, or peft's folder")
  Path adapter = Path.of("");

  @Option(
      names = "--to",
      required = true,
      paramLabel = "FORM",
      description = "${COMPLETION-CANDIDATES}, in any case; WebUIs read kohya's")
  Form form = Form.KOHYA;

  @Option(
      names = {"--output", "-o"},
      required = true,
      paramLabel = "TO",
      description = "a .safetensors file; for peft a folder, with one for each network")
  Path output = Path.of("");

  @Option(
      names = "--precision",
      paramLabel = "TYPE",
      description = "${COMPLETION-CANDIDATES} of the matrices; default: as they are stored")
  @Nullable SavePrecision precision;

  @Option(
      names = "--model",
      paramLabel = "BASE",
      description =
          "the model it is for, a folder or one file, where its layers are not those of Stable"
              + " Diffusion 1 or 2")
  @Nullable Path model;

  @Override
  public Integer call() {
    if (Files.exists(output)) {
      throw new InvalidInput("--output %s is there already; name another".formatted(output));
    }
    if (form != Form.PEFT && !output.toString().endsWith(".safetensors")) {
      throw new InvalidInput(
          "--output %s: expected a name that ends with .safetensors".formatted(output));
    }
    try {
      var layers = model == null ? AdapterFiles.usualLayers() : AdapterFiles.layers(model);
      AdapterConversion.convert(adapter, layers, form, precision, output)
          .forEach(System.out::println);
    } catch (ModelException | SafetensorsException e) {
      throw new InvalidInput(String.valueOf(e.getMessage()));
    } catch (PipelineException e) {
      var hint = e.hint();
      throw new InvalidInput(e.getMessage() + (hint == null ? "" : "; " + hint));
    }
    return Main.DONE;
  }
}
