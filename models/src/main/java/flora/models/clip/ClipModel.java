package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.Linear;
import flora.models.weights.Precision;
import flora.models.weights.Weights;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * The whole CLIP: both encoders and their projections into one space. transformers' CLIPModel.
 *
 * <p>Not for several threads at a time. Results belong to the caller's {@link Scope}. {@link
 * ZeroShot} is the easy way to labels.
 */
public final class ClipModel implements AutoCloseable {
  private final Weights weights;
  private final ClipTextEncoder text;
  private final ClipVisionEncoder vision;
  private final ClipTextConfig textConfig;
  private final ClipVisionConfig visionConfig;
  private final Linear textProjection;
  private final Linear visualProjection;
  private final double logitScale;

  /** Reads {@code config.json} and the weights beside it, to compute in fp32. */
  public static ClipModel open(Path folder) {
    return open(folder, Precision.FP32);
  }

  /**
   * {@link #open(Path)} to compute in another precision. It is that of the layers of the picture
   * encoder; texts, which are read once for many pictures, are never computed in int8, and the
   * projections and embeddings always in fp32.
   */
  public static ClipModel open(Path folder, Precision precision) {
    ModelConfig config = ModelConfig.read(folder.resolve("config.json")).only("model_type", "clip");
    config.absent("quantization_config");
    Weights weights = Weights.open(folder, precision);
    try {
      return new ClipModel(config, weights);
    } catch (RuntimeException e) {
      weights.close();
      throw e;
    }
  }

  private ClipModel(ModelConfig config, Weights weights) {
    this.weights = weights;
    textConfig = ClipTextConfig.of(section(config, "text_config"));
    visionConfig = ClipVisionConfig.of(section(config, "vision_config"));
    int size = config.integer("projection_dim", 512);
    Precision precision = weights.precision();
    text =
        new ClipTextEncoder(
            textConfig,
            precision == Precision.INT8 ? weights.with(Precision.FP32_PACKED) : weights);
    vision = new ClipVisionEncoder(visionConfig, weights);
    Weights exact = weights.with(Precision.FP32);
    textProjection = new Linear(exact.child("text_projection"), textConfig.size(), size, false);
    visualProjection =
        new Linear(exact.child("visual_projection"), visionConfig.size(), size, false);
    logitScale = Math.exp(weights.tensor("logit_scale").getFloat());
    weights.requireAllUsed(key -> false);
  }

  /** In old files a second section, {@code …_config_dict}, is the one that counts. */
  private static ModelConfig section(ModelConfig config, String key) {
    return config.object(config.has(key + "_dict") ? key + "_dict" : key);
  }

  /** The text encoder alone. */
  public ClipTextEncoder text() {
    return text;
  }

  /** The picture encoder alone. */
  public ClipVisionEncoder vision() {
    return vision;
  }

  /** Sizes of the picture encoder. */
  public ClipVisionConfig visionConfig() {
    return visionConfig;
  }

  /** How many products of matrices are computed in a precision. */
  public int products(Precision precision) {
    return weights.products(precision);
  }

  /** By what cosines are multiplied before the softmax. */
  public double logitScale() {
    return logitScale;
  }

  /**
   * Texts in the common space, not normalised: {@code [n, t] → [n, projection]}.
   *
   * @param ids int64
   * @param mask int64, 1 where there is text; null for none
   */
  public NDArray textFeatures(NDArray ids, @Nullable NDArray mask) {
    return Scope.keeping(
        () -> textProjection.forward(text.pooled(text.forward(ids, mask, 0), ids)));
  }

  /** Pictures in the common space, not normalised: {@code [n, 3, s, s] → [n, projection]}. */
  public NDArray imageFeatures(NDArray pixels) {
    return Scope.keeping(() -> visualProjection.forward(vision.summary(pixels)));
  }

  /**
   * How well each picture fits each text, before the softmax: scaled cosines of features, {@code
   * [n, projection], [m, projection] → [n, m]}.
   */
  public NDArray logits(NDArray imageFeatures, NDArray textFeatures) {
    return Scope.keeping(
        () -> {
          NDArray texts = Aten.transpose(Aten.normalize(textFeatures), 0, 1);
          return Aten.mul(Aten.matmul(Aten.normalize(imageFeatures), texts), logitScale);
        });
  }

  @Override
  public void close() {
    weights.close();
  }
}
