package flora.labeler.caption;

import ai.djl.ndarray.NDArray;
import flora.models.ModelException.ConfigInvalid;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipModel;
import flora.models.image.PixelValues;
import flora.models.image.Preprocessing;
import flora.models.image.RgbImage;
import flora.models.tokenizer.ClipTokenizer;
import flora.models.weights.Precision;
import java.nio.file.Path;
import java.util.List;

/**
 * CLIP with its tokenizer and its image processor: pictures and texts as unit vectors of one space.
 * {@link #prepare} may be called from any thread, the rest from one.
 */
final class ClipNetwork implements AutoCloseable {

  private final ClipTokenizer tokenizer;
  private final Preprocessing preprocessing;
  private final ClipModel model;
  private final int side;

  /** Opens a folder in the layout of a Hugging Face repository. */
  static ClipNetwork open(Path folder, Precision precision) {
    var tokenizer = ClipTokenizer.load(folder);
    var preprocessing = Preprocessing.read(folder.resolve("preprocessor_config.json"));
    return new ClipNetwork(tokenizer, preprocessing, ClipModel.open(folder, precision));
  }

  private ClipNetwork(ClipTokenizer tokenizer, Preprocessing preprocessing, ClipModel model) {
    this.tokenizer = tokenizer;
    this.preprocessing = preprocessing;
    this.model = model;
    this.side = model.visionConfig().imageSize();
  }

  /** What cosines are multiplied by before the softmax. */
  double logitScale() {
    return model.logitScale();
  }

  /** A picture as the network takes it. */
  PixelValues prepare(RgbImage picture) {
    var values = preprocessing.apply(picture);
    if (values.width() != side || values.height() != side) {
      throw new ConfigInvalid(
          Path.of("preprocessor_config.json"),
          "it makes %d x %d pixels where the network takes %d x %d"
              .formatted(values.width(), values.height(), side, side));
    }
    return values;
  }

  /** The number of tokens of a text, start and end included, however many. */
  int tokens(String text) {
    return tokenizer.ids(text).length;
  }

  /** One unit vector for each picture, {@code [n][d]}. */
  float[][] embedPictures(List<PixelValues> pictures) {
    int each = 3 * side * side;
    var pixels = new float[pictures.size() * each];
    for (int i = 0; i < pictures.size(); i++) {
      System.arraycopy(pictures.get(i).values(), 0, pixels, i * each, each);
    }
    try (var _ = new Scope()) {
      return rows(model.imageFeatures(Aten.of(pixels, pictures.size(), 3, side, side)));
    }
  }

  /** The most tokens of a text that it can read, start and end included. */
  int textLimit() {
    return Math.min(tokenizer.maxLength(), model.text().config().positions());
  }

  /**
   * One unit vector for each text, {@code [n][d]}; padded to the longest of them, which {@link
   * #textLimit} allows.
   */
  float[][] embedTexts(List<String> texts) {
    int length = texts.stream().mapToInt(this::tokens).max().orElse(2);
    var ids = new long[texts.size() * length];
    var mask = new long[ids.length];
    for (int i = 0; i < texts.size(); i++) {
      var encoding = tokenizer.encode(texts.get(i), length);
      System.arraycopy(encoding.ids(), 0, ids, i * length, length);
      System.arraycopy(encoding.mask(), 0, mask, i * length, length);
    }
    try (var _ = new Scope()) {
      return rows(
          model.textFeatures(
              Aten.of(ids, texts.size(), length), Aten.of(mask, texts.size(), length)));
    }
  }

  private static float[][] rows(NDArray features) {
    int count = Math.toIntExact(features.getShape().get(0));
    var flat = Aten.normalize(features).toFloatArray();
    int size = flat.length / count;
    var rows = new float[count][size];
    for (int i = 0; i < count; i++) {
      System.arraycopy(flat, i * size, rows[i], 0, size);
    }
    return rows;
  }

  @Override
  public void close() {
    model.close();
  }
}
