package flora.standalone.parity;

import flora.models.ModelConfig;
import flora.models.image.ImageDecoder;
import flora.models.image.PixelValues;
import flora.models.image.Preprocessing;
import flora.models.image.RgbImage;
import flora.models.image.TrainingTransform;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The set {@code images}: {@code decoded/FILE}, {@code sdN/FILE} for the training transform, {@code
 * clipN/FILE} for CLIP's processor at another size, and {@code MODEL/FILE} for a model's processor.
 */
final class ImageSets implements GoldenKind {

  private static final Pattern SIZED = Pattern.compile("(sd|clip)(\\d+)");

  @Override
  public boolean handles(GoldenSet set) {
    return set.name().equals("images");
  }

  @Override
  public void check(GoldenSet set, Comparison comparison) {
    var decoder = new ImageDecoder();
    Map<String, RgbImage> pictures = new HashMap<>();
    Map<String, Preprocessing> processors = new HashMap<>();
    for (String tensor : set.tensors()) {
      int slash = tensor.indexOf('/');
      String what = tensor.substring(0, slash);
      String file = tensor.substring(slash + 1);
      RgbImage picture =
          pictures.computeIfAbsent(
              file, f -> decoder.decode(set.root().resolve("images").resolve(f)));
      if (what.equals("decoded")) {
        comparison.tensor(tensor, picture.pixels());
      } else {
        comparison.tensor(tensor, values(set, what, picture, processors).values());
      }
    }
  }

  private static PixelValues values(
      GoldenSet set, String what, RgbImage picture, Map<String, Preprocessing> processors) {
    Matcher sized = SIZED.matcher(what);
    if (sized.matches() && sized.group(1).equals("sd")) {
      var middle = TrainingTransform.middle(picture, Integer.parseInt(sized.group(2)));
      return TrainingTransform.apply(picture, middle);
    }
    return processors
        .computeIfAbsent(
            what, w -> sized.matches() ? clip(sized.group(2)) : Preprocessing.read(config(set, w)))
        .apply(picture);
  }

  private static Preprocessing clip(String size) {
    return Preprocessing.of(
        ModelConfig.of(
            Path.of("preprocessor_config.json"),
            """
            {"image_processor_type":"CLIPImageProcessor","size":%s,"crop_size":%s}"""
                .formatted(size, size)));
  }

  private static Path config(GoldenSet set, String model) {
    Path exact = set.root().resolve("models").resolve(model);
    Path folder = Files.isDirectory(exact) ? exact : exact.resolveSibling("tiny-" + model);
    return folder.resolve("preprocessor_config.json");
  }
}
