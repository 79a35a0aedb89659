package flora.models.clip;

import flora.models.ModelConfig;
import flora.models.block.Activation;

/**
 * Sizes and variants of CLIP's picture encoder, as {@code transformers}' CLIPVisionConfig reads
 * them.
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
public record ClipVisionConfig(
    int size,
    int innerSize,
    int layers,
    int heads,
    int imageSize,
    int patchSize,
    Activation activation,
    double eps) {

  /** Reads the vision section of a whole CLIP's {@code config.json}. */
  public static ClipVisionConfig of(ModelConfig config) {
    refuseForeign(config, "clip_vision_model", "clip");
    config.only("num_channels", 3);
    var vision =
        new ClipVisionConfig(
            config.integer("hidden_size", 768),
            config.integer("intermediate_size", 3072),
            config.integer("num_hidden_layers", 12),
            config.integer("num_attention_heads", 12),
            config.integer("image_size", 224),
            config.integer("patch_size", 32),
            Activation.of(config, "hidden_act", "quick_gelu"),
            config.decimal("layer_norm_eps", 1e-5));
    requireWholeHeads(config, vision.size, vision.heads);
    if (vision.patchSize < 1 || vision.imageSize < vision.patchSize) {
      throw config.unsupported("patch_size", "expected at most image_size " + vision.imageSize);
    }
    return vision;
  }

  /** The number of patches of a picture. */
  int patches() {
    int side = imageSize / patchSize;
    return side * side;
  }

  static void refuseForeign(ModelConfig config, Object... modelTypes) {
    config
        .only("model_type", modelTypes)
        .only("attention_dropout", 0)
        .only("dropout", 0)
        .only("is_decoder", false)
        .only("add_cross_attention", false)
        .absent("quantization_config");
  }

  static void requireWholeHeads(ModelConfig config, int size, int heads) {
    if (heads < 1 || size % heads != 0) {
      throw config.unsupported("num_attention_heads", "expected a divisor of hidden_size " + size);
    }
  }
}
