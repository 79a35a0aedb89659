package flora.standalone.cli;

import flora.models.ModelConfig;
import flora.models.ModelException;
import flora.models.image.RgbImage;
import flora.models.lora.Lora;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraKeys.Network;
import flora.models.lora.LoraSum;
import flora.models.scheduler.Sampler;
import flora.models.singlefile.ModelFiles;
import flora.models.stablediffusion.TextToImage;
import flora.models.stablediffusion.TextToImage.Drawing;
import flora.models.stablediffusion.WebUiPrompt;
import flora.models.weights.AdaptableLayer;
import flora.standalone.client.InvalidInput;
import flora.tensors.SafetensorsException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code flora preview}: what a prompt gives with an adapter, as a WebUI would draw it. */
@Command(
    name = "preview",
    description = {
      "Draw a picture with an adapter, as a WebUI would.",
      "The prompt names it: --adapter my_style.safetensors --prompt \"a cat <lora:my_style:0.8>\"."
    })
final class PreviewCommand implements Callable<Integer> {

  @Option(
      names = "--model",
      required = true,
      paramLabel = "DIR|FILE",
      description =
          "the base model: a folder in diffusers' layout (./flora fetch REPO --to DIR) or one"
              + " .safetensors file")
  Path model = Path.of("");

  @Option(
      names = "--adapter",
      paramLabel = "FILE|DIR",
      description =
          "an adapter, or a folder of them; one that was given and that the prompt does not name"
              + " acts in full")
  List<Path> adapters = List.of();

  @Option(names = "--prompt", required = true, paramLabel = "TEXT", description = "what to draw")
  String prompt = "";

  @Option(
      names = {"--negative", "--negative-prompt", "--negative_prompt"},
      paramLabel = "TEXT",
      description = "what not to draw")
  String negative = "";

  @Option(
      names = "--steps",
      defaultValue = "20",
      paramLabel = "N",
      description = "of the sampler; default: ${DEFAULT-VALUE}")
  int steps;

  @Option(
      names = {"--guidance", "--cfg-scale", "--guidance_scale"},
      defaultValue = "7.5",
      paramLabel = "SCALE",
      description = "how strictly to follow the prompt, 1 = not at all; default: ${DEFAULT-VALUE}")
  double guidance;

  @Option(
      names = "--sampler",
      paramLabel = "NAME",
      description = "ddim, pndm, euler, euler_a or dpmpp_2m; default: the model's own")
  @Nullable String sampler;

  @Option(names = "--seed", defaultValue = "0", paramLabel = "N", description = "default: 0")
  long seed;

  @Option(
      names = "--width",
      defaultValue = "512",
      paramLabel = "PIXELS",
      description = "default: ${DEFAULT-VALUE}")
  int width;

  @Option(
      names = "--height",
      defaultValue = "512",
      paramLabel = "PIXELS",
      description = "default: ${DEFAULT-VALUE}")
  int height;

  @Option(
      names = {"--output", "-o"},
      defaultValue = "preview.png",
      paramLabel = "FILE",
      description = "default: ${DEFAULT-VALUE}")
  Path output = Path.of("");

  @Override
  public Integer call() throws IOException {
    if (!Files.exists(model)) {
      throw new InvalidInput("--model %s: no such folder or file".formatted(model));
    }
    try {
      var wanted = WebUiPrompt.parse(prompt);
      var chosen = new NamedAdapters(adapters).chosen(wanted);
      if (Files.isDirectory(model)) {
        ModelConfig.read(model.resolve("model_index.json"))
            .only("_class_name", "StableDiffusionPipeline");
      }
      var files = ModelFiles.open(model);
      try (var drawer =
          new TextToImage(
              files.tokenizer(),
              files.textEncoder(),
              files.unet(),
              files.vae(),
              files.scheduler())) {
        draw(drawer, wanted.text(), chosen);
      }
    } catch (IllegalArgumentException | ModelException | SafetensorsException e) {
      throw new InvalidInput(String.valueOf(e.getMessage()));
    }
    System.out.println(output);
    return Main.DONE;
  }

  private void draw(TextToImage drawer, String text, List<NamedAdapters.Chosen> chosen)
      throws IOException {
    var drawing =
        new Drawing(
            text,
            negative,
            guidance,
            steps,
            width,
            height,
            sampler == null ? drawer.ownSampler() : Sampler.Kind.named(sampler));
    var open = new ArrayList<Lora>();
    try {
      for (var network : Network.values()) {
        adapter(drawer, network, chosen).ifPresent(open::add);
      }
      boolean isLive = Terminal.isThere();
      var picture =
          drawer.draw(
              drawing,
              seed,
              (step, latents) -> {
                if (isLive) {
                  System.err.printf("\r%d of %d steps", step + 1, steps);
                }
              });
      if (isLive) {
        System.err.println();
      }
      write(picture);
    } finally {
      open.forEach(Lora::close);
    }
  }

  /** What the chosen files change in a network; empty when none of them is for it. */
  private static Optional<Lora> adapter(
      TextToImage drawer, Network network, List<NamedAdapters.Chosen> chosen) {
    Map<String, AdaptableLayer> layers =
        switch (network) {
          case UNET -> drawer.unet().layers();
          case TEXT_ENCODER -> drawer.textEncoder().layers();
        };
    var parts = new ArrayList<LoraSum.Weighed>();
    for (var each : chosen) {
      if (LoraFile.networks(each.file()).contains(network)) {
        double weight =
            switch (network) {
              case UNET -> each.wanted().unet();
              case TEXT_ENCODER -> each.wanted().textEncoder();
            };
        parts.add(
            new LoraSum.Weighed(LoraFile.read(each.file(), network, layers.keySet()), weight));
      }
    }
    if (parts.isEmpty()) {
      return Optional.empty();
    }
    var sum = LoraSum.of(parts);
    return Optional.of(Lora.of(network, layers, sum.config(), sum.state()));
  }

  private void write(RgbImage picture) throws IOException {
    var folder = output.toAbsolutePath().getParent();
    if (folder != null) {
      Files.createDirectories(folder);
    }
    ImageIO.write(picture.buffered(), "png", output.toFile());
  }
}
