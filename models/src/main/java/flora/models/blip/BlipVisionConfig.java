package flora.models.blip;

import flora.models.ModelConfig;
import flora.models.block.Activation;

/**
 * Sizes and variants of BLIP's picture encoder, as transformers' BlipVisionConfig reads them.
 *
 * @param size the width of a hidden state
 * @param innerSize the width inside the feed-forward part
 * @param layers the number of transformer layers
 * @param heads the number of attention heads
 * @param imageSize the side of the picture in pixels
 * @param patchSize the side of a patch in pixels
 * @param activation of the feed-forward part
 * @param eps of the layer norms
 */
public record BlipVisionConfig(
    int size,
    int innerSize,
    int layers,
    int heads,
    int imageSize,
    int patchSize,
    Activation activation,
    double eps) {

  /** Reads the vision section of a BLIP's {@code config.json}. */
  public static BlipVisionConfig of(ModelConfig config) {
    config
        .only("model_type", "blip_vision_model")
        .only("num_channels", 3)
        .absent("quantization_config");
    var vision =
        new BlipVisionConfig(
            config.integer("hidden_size", 768),
            config.integer("intermediate_size", 3072),
            config.integer("num_hidden_layers", 12),
            config.integer("num_attention_heads", 12),
            config.integer("image_size", 384),
            config.integer("patch_size", 16),
            Activation.of(config, "hidden_act", "gelu"),
            config.decimal("layer_norm_eps", 1e-5));
    requireWholeHeads(config, vision.size, vision.heads);
    if (vision.patchSize < 1 || vision.imageSize < vision.patchSize) {
      throw config.unsupported("patch_size", "expected at most image_size " + vision.imageSize);
    }
    return vision;
  }

  /** The number of patches of a picture. */
  public int patches() {
    int side = imageSize / patchSize;
    return side * side;
  }

  static void requireWholeHeads(ModelConfig config, int size, int heads) {
    if (heads < 1 || size % heads != 0) {
      throw config.unsupported("num_attention_heads", "expected a divisor of hidden_size " + size);
    }
  }
}
