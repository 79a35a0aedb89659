package flora.models.blip;

import flora.models.ModelConfig;
import flora.models.block.Activation;

/**
 * Sizes and variants of BLIP's text decoder, as transformers' BlipTextConfig reads them.
 *
 * @param vocabulary the number of token ids
 * @param size the width of a hidden state
 * @param innerSize the width inside the feed-forward part
 * @param layers the number of transformer layers
 * @param heads the number of attention heads
 * @param positions the longest text in tokens
 * @param activation of the feed-forward part and of the head
 * @param eps of the layer norms
 * @param startId the token that every text begins with
 * @param stopId the token that ends a text; {@code eos_token_id} plays no part
 * @param padId the token that fills up
 * @param tied whether the head's matrix is the table of the tokens
 * @param labelSmoothing of the loss
 */
public record BlipTextConfig(
    int vocabulary,
    int size,
    int innerSize,
    int layers,
    int heads,
    int positions,
    Activation activation,
    double eps,
    int startId,
    int stopId,
    int padId,
    boolean tied,
    double labelSmoothing) {

  /** Reads the text section of a BLIP's {@code config.json}. */
  public static BlipTextConfig of(ModelConfig config) {
    config
        .only("model_type", "blip_text_model")
        .only("position_embedding_type", "absolute")
        .only("is_decoder", true)
        .absent("quantization_config");
    var text =
        new BlipTextConfig(
            config.integer("vocab_size", 30524),
            config.integer("hidden_size", 768),
            config.integer("intermediate_size", 3072),
            config.integer("num_hidden_layers", 12),
            config.integer("num_attention_heads", 8),
            config.integer("max_position_embeddings", 512),
            Activation.of(config, "hidden_act", "gelu"),
            config.decimal("layer_norm_eps", 1e-12),
            config.integer("bos_token_id", 30522),
            config.integer("sep_token_id", 102),
            config.integer("pad_token_id", 0),
            config.flag("tie_word_embeddings", true),
            config.decimal("label_smoothing", 0));
    BlipVisionConfig.requireWholeHeads(config, text.size, text.heads);
    requireToken(config, "bos_token_id", text.startId, text.vocabulary);
    requireToken(config, "sep_token_id", text.stopId, text.vocabulary);
    requireToken(config, "pad_token_id", text.padId, text.vocabulary);
    return text;
  }

  private static void requireToken(ModelConfig config, String key, int id, int vocabulary) {
    if (id < 0 || id >= vocabulary) {
      throw config.unsupported(key, "expected a token below vocab_size " + vocabulary);
    }
  }
}
