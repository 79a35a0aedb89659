package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.generate.TextDecoder;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.nio.file.Path;
import java.util.List;

/**
 * A BLIP that writes captions: picture encoder and text decoder. transformers'
 * BlipForConditionalGeneration.
 *
 * <p>Not for several threads at a time. Results belong to the caller's {@link
 * flora.models.aten.Scope}. {@link BlipCaptioning} is the easy way to captions.
 */
public final class BlipModel implements AutoCloseable {
  private static final String ARCHITECTURE = "BlipForConditionalGeneration";

  private final Weights weights;
  private final BlipVisionConfig visionConfig;
  private final BlipVisionEncoder vision;
  private final BlipText text;

  /**
   * Reads {@code config.json} and the weights beside it.
   *
   * @param precision of the picture encoder's layers; the text decoder, whose smallest change may
   *     be another word, is never computed in int8
   */
  public static BlipModel open(Path folder, Precision precision) {
    ModelConfig config = ModelConfig.read(folder.resolve("config.json")).only("model_type", "blip");
    config.absent("quantization_config");
    List<String> architectures = config.texts("architectures");
    if (!architectures.isEmpty() && !architectures.contains(ARCHITECTURE)) {
      throw config.unsupported("architectures", "supported: " + ARCHITECTURE);
    }
    Weights weights = Weights.open(folder, precision);
    try {
      return new BlipModel(config, weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  private BlipModel(ModelConfig config, Weights weights) {
    this.weights = weights;
    visionConfig = BlipVisionConfig.of(config.object("vision_config"));
    vision = new BlipVisionEncoder(visionConfig, weights.child("vision_model"));
    boolean isInt8 = weights.precision() == Precision.INT8;
    Weights decoder = isInt8 ? weights.with(Precision.FP32_PACKED) : weights;
    // the peer takes the pictures' width from here, whatever text_config.encoder_hidden_size says
    text =
        new BlipText(
            BlipTextConfig.of(config.object("text_config")),
            visionConfig.size(),
            decoder.child("text_decoder"));
    // the published files hold the head a second time, though it is tied
    weights.requireAllUsed(key -> key.startsWith("text_decoder.cls.predictions.decoder."));
  }

  /** Sizes of the picture encoder. */
  public BlipVisionConfig visionConfig() {
    return visionConfig;
  }

  /** Sizes of the text decoder, and its special tokens. */
  public BlipTextConfig textConfig() {
    return text.config();
  }

  /** What the decoder sees of pictures: {@code [n, 3, s, s] → [n, 1 + patches, d]}. */
  public NDArray imageEmbeds(NDArray pixels) {
    return vision.forward(pixels);
  }

  /**
   * The scores of each next token of given texts: {@code [n, t], [n, 1 + patches, d] → [n, t,
   * vocabulary]}.
   *
   * @param ids int64
   */
  public NDArray logits(NDArray ids, NDArray imageEmbeds) {
    return text.forward(ids, imageEmbeds);
  }

  /**
   * The decoder token by token, for texts about these pictures, {@code beams} for each. The caller
   * closes it; the embeddings may be closed before.
   */
  public TextDecoder decoder(NDArray imageEmbeds, int beams) {
    return new BlipDecoder(text, imageEmbeds, beams);
  }

  @Override
  public void close() {
    weights.close();
  }
}
