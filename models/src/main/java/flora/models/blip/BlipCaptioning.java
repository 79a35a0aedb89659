package flora.models.blip;

import ai.djl.ndarray.NDArray;
import flora.models.ModelConfig;
import flora.models.ModelException.ConfigInvalid;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.generate.Ends;
import flora.models.generate.GenerationOptions;
import flora.models.generate.Generator;
import flora.models.generate.TextDecoder;
import flora.models.image.PixelValues;
import flora.models.image.Preprocessing;
import flora.models.image.RgbImage;
import flora.models.tokenizer.BertTokenizer;
import flora.models.weights.Precision;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Captions for pictures: BLIP with its tokenizer and its picture processor.
 *
 * <pre>{@code
 * try (var blip = BlipCaptioning.open(folder, Precision.FP32, GenerationOptions.greedy(30), null)) {
 *   List<String> captions = blip.caption(List.of(blip.prepare(picture)), () -> {});
 * }
 * }</pre>
 *
 * <p>{@link #prepare} may be called from any thread, the rest from one at a time.
 */
public final class BlipCaptioning implements AutoCloseable {
  private final BertTokenizer tokenizer;
  private final Preprocessing preprocessing;
  private final BlipModel model;
  private final GenerationOptions options;
  private final int[] beginning;

  /**
   * Opens a folder in the layout of a Hugging Face repository.
   *
   * @param prompt what every caption begins with; null or empty for none
   */
  public static BlipCaptioning open(
      Path folder, Precision precision, GenerationOptions options, @Nullable String prompt) {
    var tokenizer = BertTokenizer.load(folder);
    var preprocessing = Preprocessing.read(folder.resolve("preprocessor_config.json"));
    var model = BlipModel.open(folder, precision);
    try {
      int[] beginning = beginning(folder, model.textConfig(), tokenizer, prompt);
      return new BlipCaptioning(tokenizer, preprocessing, model, options, beginning);
    } catch (RuntimeException e) {
      model.close();
      throw e;
    }
  }

  private BlipCaptioning(
      BertTokenizer tokenizer,
      Preprocessing preprocessing,
      BlipModel model,
      GenerationOptions options,
      int[] beginning) {
    this.tokenizer = tokenizer;
    this.preprocessing = preprocessing;
    this.model = model;
    this.options = options;
    this.beginning = beginning;
  }

  /** As the peer: the prompt's own start token becomes the decoder's, its end token is dropped. */
  private static int[] beginning(
      Path folder, BlipTextConfig config, BertTokenizer tokenizer, @Nullable String prompt) {
    int[] ids = tokenizer.ids(prompt == null ? "" : prompt);
    int[] beginning = Arrays.copyOf(ids, ids.length - 1);
    beginning[0] = config.startId();
    if (beginning.length >= config.positions()) {
      throw ModelConfig.read(folder.resolve("config.json"))
          .object("text_config")
          .unsupported(
              "max_position_embeddings",
              "the prompt alone has %d tokens; shorten it".formatted(beginning.length));
    }
    for (int id : beginning) {
      if (id >= config.vocabulary()) {
        throw new ConfigInvalid(
            folder.resolve("config.json"),
            "text_config.vocab_size = %d, but the tokenizer has the token %d"
                .formatted(config.vocabulary(), id));
      }
    }
    return beginning;
  }

  /** A picture as the network takes it. */
  public PixelValues prepare(RgbImage picture) {
    PixelValues values = preprocessing.apply(picture);
    int side = model.visionConfig().imageSize();
    if (values.width() != side || values.height() != side) {
      throw new ConfigInvalid(
          Path.of("preprocessor_config.json"),
          "it makes %d x %d pixels where the network takes %d x %d"
              .formatted(values.width(), values.height(), side, side));
    }
    return values;
  }

  /**
   * One caption for each prepared picture, prompt included; the pictures go through the network as
   * one batch.
   *
   * @param beat called before every token; what it throws ends the work
   */
  public List<String> caption(List<PixelValues> pictures, Runnable beat) {
    if (pictures.isEmpty()) {
      return List.of();
    }
    BlipTextConfig text = model.textConfig();
    var ends = new Ends(text.stopId(), text.padId(), text.positions());
    try (var decoder = decoder(pictures)) {
      return Generator.generate(decoder, pictures.size(), beginning, ends, options, beat).stream()
          .map(tokenizer::decode)
          .toList();
    }
  }

  private TextDecoder decoder(List<PixelValues> pictures) {
    int side = model.visionConfig().imageSize();
    int each = 3 * side * side;
    float[] batch = new float[pictures.size() * each];
    for (int i = 0; i < pictures.size(); i++) {
      System.arraycopy(pictures.get(i).values(), 0, batch, i * each, each);
    }
    try (var _ = new Scope()) {
      NDArray pixels = Aten.of(batch, pictures.size(), 3, side, side);
      return model.decoder(model.imageEmbeds(pixels), options.beams());
    }
  }

  @Override
  public void close() {
    model.close();
  }
}
