package flora.standalone.parity;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.clip.ClipModel;
import flora.models.image.ImageDecoder;
import flora.models.image.Preprocessing;
import flora.models.tokenizer.ClipTokenizer;
import flora.models.tokenizer.Encoding;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;

/** The set of a whole CLIP: both encoders, their features, and the labels of pictures. */
final class ClipSets implements GoldenKind {

  @Override
  public boolean handles(GoldenSet set) {
    return set.modelType().equals(Optional.of("clip")) && set.has("image_features");
  }

  @Override
  public void check(GoldenSet set, Comparison comparison) {
    prepare(set, comparison);
    try (var clip = ClipModel.open(set.model());
        var _ = new Scope()) {
      NDArray pixels = floats(set, "pixel_values");
      NDArray states = clip.vision().forward(pixels);
      long first = set.shape("vision_last_hidden")[0];
      comparison.tensor(
          "vision_last_hidden", Aten.contiguous(Aten.narrow(states, 0, 0, first)).toFloatArray());
      comparison.tensor("vision_pooled", clip.vision().pooled(states).toFloatArray());
      NDArray pictures = clip.imageFeatures(pixels);
      comparison.tensor("image_features", pictures.toFloatArray());
      NDArray texts = clip.textFeatures(longs(set, "input_ids"), longs(set, "attention_mask"));
      comparison.tensor("text_features", texts.toFloatArray());
      NDArray logits = clip.logits(pictures, texts);
      comparison.tensor("logits_per_image", logits.toFloatArray());
      comparison.tensor("probs", Aten.softmax(logits, -1).toFloatArray());
    }
  }

  /** The inputs from the pictures and labels themselves; pixels must be equal but for rounding. */
  private static void prepare(GoldenSet set, Comparison comparison) {
    var tokenizer = ClipTokenizer.load(set.model());
    int length = Math.toIntExact(set.shape("input_ids")[1]);
    List<Long> ids = new ArrayList<>();
    List<Long> mask = new ArrayList<>();
    for (String label : set.hyper().texts("labels")) {
      Encoding encoding = tokenizer.encode(label, length);
      append(encoding.ids(), ids::add);
      append(encoding.mask(), mask::add);
    }
    comparison.tensor("input_ids", ids.stream().mapToLong(Long::longValue).toArray());
    comparison.tensor("attention_mask", mask.stream().mapToLong(Long::longValue).toArray());

    pixels(set, set.hyper().texts("files"), comparison);
  }

  /** Declares {@code pixel_values} as an input, which must be what the processor makes of files. */
  static void pixels(GoldenSet set, List<String> files, Comparison comparison) {
    comparison.inputs("pixel_values"::equals);
    var preprocessing = Preprocessing.read(set.model().resolve("preprocessor_config.json"));
    float[] golden = set.floats("pixel_values");
    int at = 0;
    for (String file : files) {
      var picture = new ImageDecoder().decode(set.root().resolve("images").resolve(file));
      boolean equal = true;
      for (float value : preprocessing.apply(picture).values()) {
        equal &= Math.abs(value - golden[at++]) < 1e-6;
      }
      comparison.exactly("pixel_values of " + file, equal);
    }
  }

  private static void append(long[] values, Consumer<Long> to) {
    for (long value : values) {
      to.accept(value);
    }
  }

  static NDArray floats(GoldenSet set, String tensor) {
    return Aten.of(set.floats(tensor), set.shape(tensor));
  }

  static NDArray longs(GoldenSet set, String tensor) {
    return Aten.of(set.longs(tensor), set.shape(tensor));
  }
}
