package flora.models.clip;

import flora.models.ModelConfig;
import flora.models.block.Activation;

/**
 * Sizes and variants of CLIP's text encoder, as {@code transformers}' CLIPTextConfig reads them.
 *
 * @param vocabulary the number of token ids
 * @param size the width of a hidden state
 * @param innerSize the width inside the feed-forward part
 * @param layers the number of transformer layers
 * @param heads the number of attention heads
 * @param positions the longest text in tokens
 * @param activation of the feed-forward part
 * @param eps of the layer norms
 * @param endId the token at which a text is pooled; 2 means the highest id of the text, for files
 *     from before the id was recorded
 */
public record ClipTextConfig(
    int vocabulary,
    int size,
    int innerSize,
    int layers,
    int heads,
    int positions,
    Activation activation,
    double eps,
    int endId) {

  /** The id that old files hold instead of the real one. */
  static final int OLD_END_ID = 2;

  /** Reads the text encoder's own {@code config.json} or the section of a whole CLIP's. */
  public static ClipTextConfig of(ModelConfig config) {
    ClipVisionConfig.refuseForeign(config, "clip_text_model", "clip");
    var text =
        new ClipTextConfig(
            config.integer("vocab_size", 49408),
            config.integer("hidden_size", 512),
            config.integer("intermediate_size", 2048),
            config.integer("num_hidden_layers", 12),
            config.integer("num_attention_heads", 8),
            config.integer("max_position_embeddings", 77),
            Activation.of(config, "hidden_act", "quick_gelu"),
            config.decimal("layer_norm_eps", 1e-5),
            config.integer("eos_token_id", 49407));
    ClipVisionConfig.requireWholeHeads(config, text.size, text.heads);
    return text;
  }
}
