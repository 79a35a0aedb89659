package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.image.PixelValues;
import flora.models.image.Preprocessing;
import flora.models.image.RgbImage;
import flora.models.tokenizer.ClipTokenizer;
import flora.models.tokenizer.Encoding;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Tells which of given texts fits a picture best, without having been trained on them: CLIP with
 * its tokenizer and its picture processor.
 *
 * <pre>{@code
 * try (var clip = ZeroShot.open(folder, prompts)) {
 *   List<float[]> probabilities = clip.probabilities(pictures);
 * }
 * }</pre>
 *
 * <p>The texts are encoded once. Belongs to one thread at a time.
 */
public final class ZeroShot implements AutoCloseable {

  private static final int TEXTS_AT_ONCE = 64;

  private final ClipModel model;
  private final Preprocessing preprocessing;
  private final NDArray texts; // [labels, projection]

  /** Opens a CLIP folder and encodes the texts, at least one. */
  public static ZeroShot open(Path folder, List<String> texts) {
    if (texts.isEmpty()) {
      throw new IllegalArgumentException("zero-shot labelling needs at least one text");
    }
    var tokenizer = ClipTokenizer.load(folder);
    var preprocessing = Preprocessing.read(folder.resolve("preprocessor_config.json"));
    var model = ClipModel.open(folder);
    try {
      return new ZeroShot(model, preprocessing, encode(model, tokenizer, texts));
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private ZeroShot(ClipModel model, Preprocessing preprocessing, NDArray texts) {
    this.model = model;
    this.preprocessing = preprocessing;
    this.texts = texts;
  }

  /** Texts of about the same length share a batch, padded to the longest of it. */
  private static NDArray encode(ClipModel model, ClipTokenizer tokenizer, List<String> texts) {
    int limit = Math.min(tokenizer.maxLength(), model.text().config().positions());
    try (var _ = new Scope()) {
      var features = new ArrayList<NDArray>();
      for (int from = 0; from < texts.size(); from += TEXTS_AT_ONCE) {
        List<String> batch = texts.subList(from, Math.min(from + TEXTS_AT_ONCE, texts.size()));
        int length =
            batch.stream()
                .mapToInt(text -> Math.min(tokenizer.ids(text).length, limit))
                .max()
                .orElseThrow();
        long[] ids = new long[batch.size() * length];
        long[] mask = new long[ids.length];
        for (int i = 0; i < batch.size(); i++) {
          Encoding encoding = tokenizer.encode(batch.get(i), length);
          System.arraycopy(encoding.ids(), 0, ids, i * length, length);
          System.arraycopy(encoding.mask(), 0, mask, i * length, length);
        }
        features.add(
            model.textFeatures(
                Aten.of(ids, batch.size(), length), Aten.of(mask, batch.size(), length)));
      }
      return Scope.release(Aten.cat(features, 0));
    }
  }

  /**
   * The probability of every text for each picture, summing to 1; the pictures go through the
   * network as one batch.
   */
  public List<float[]> probabilities(List<RgbImage> pictures) {
    if (pictures.isEmpty()) {
      return List.of();
    }
    try (var _ = new Scope()) {
      NDArray features = model.imageFeatures(pixels(pictures));
      float[] all = Aten.softmax(model.logits(features, texts), -1).toFloatArray();
      int labels = all.length / pictures.size();
      var rows = new ArrayList<float[]>();
      for (int i = 0; i < pictures.size(); i++) {
        rows.add(Arrays.copyOfRange(all, i * labels, (i + 1) * labels));
      }
      return rows;
    }
  }

  private NDArray pixels(List<RgbImage> pictures) {
    int side = model.visionConfig().imageSize();
    int each = 3 * side * side;
    float[] batch = new float[pictures.size() * each];
    for (int i = 0; i < pictures.size(); i++) {
      PixelValues values = preprocessing.apply(pictures.get(i));
      if (values.height() != side || values.width() != side) {
        throw new IllegalArgumentException(
            "the preprocessor makes %d x %d pixels, the network takes %d x %d"
                .formatted(values.width(), values.height(), side, side));
      }
      System.arraycopy(values.values(), 0, batch, i * each, each);
    }
    return Aten.of(batch, pictures.size(), 3, side, side);
  }

  @Override
  public void close() {
    texts.close();
    model.close();
  }
}
