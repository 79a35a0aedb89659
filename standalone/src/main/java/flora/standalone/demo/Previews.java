package flora.standalone.demo;

import flora.models.lora.Lora;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraKeys.Network;
import flora.models.scheduler.Sampler;
import flora.models.stablediffusion.TextToImage;
import flora.models.stablediffusion.TextToImage.Drawing;
import java.awt.image.BufferedImage;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.IntStream;

/** Draws the same prompts from the same noise, without and with an adapter. */
final class Previews implements AutoCloseable {

  static final List<String> PROMPTS =
      List.of(
          "a red circle",
          "a blue square",
          "a yellow star",
          "a white circle",
          "a orange ring",
          "a black square",
          "a red triangle",
          "a blue ring");

  private static final double GUIDANCE = 3;
  private static final int STEPS = 20;
  private static final int SIDE = 64;

  private final TextToImage model;
  private final long seed;

  private Previews(TextToImage model, long seed) {
    this.model = model;
    this.seed = seed;
  }

  /** Opens a model in diffusers' layout. */
  static Previews open(Path model, long seed) {
    return new Previews(TextToImage.open(model), seed);
  }

  List<BufferedImage> without() {
    return IntStream.range(0, PROMPTS.size()).mapToObj(this::draw).toList();
  }

  List<BufferedImage> with(Path adapter) {
    var layers = model.unet().layers();
    var file = LoraFile.read(adapter, Network.UNET, layers.keySet());
    try (var _ = Lora.of(Network.UNET, layers, file.config(), file.state())) {
      return without();
    }
  }

  @Override
  public void close() {
    model.close();
  }

  private BufferedImage draw(int prompt) {
    var drawing =
        new Drawing(PROMPTS.get(prompt), "", GUIDANCE, STEPS, SIDE, SIDE, Sampler.Kind.DDIM);
    return model.draw(drawing, seed + prompt).buffered();
  }
}
