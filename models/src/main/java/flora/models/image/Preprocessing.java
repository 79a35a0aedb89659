package flora.models.image;

import flora.models.ModelConfig;
import flora.models.ModelException.ConfigInvalid;
import flora.models.image.Resampling.Part;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;

/**
 * What a model's {@code preprocessor_config.json} asks for: resize, centre crop, scale, normalise.
 *
 * <p>Equals the PIL path of {@code transformers}' CLIPImageProcessor, BlipImageProcessor and
 * ViTImageProcessor; the classes named {@code …Fast} are taken as the same.
 */
public final class Preprocessing {

  private static final List<Double> CLIP_MEAN = List.of(0.48145466, 0.4578275, 0.40821073);
  private static final List<Double> CLIP_STD = List.of(0.26862954, 0.26130258, 0.27577711);
  private static final List<Double> HALF = List.of(0.5, 0.5, 0.5);

  /** The peers' classes and their defaults. */
  private enum Kind {
    CLIP(Resampling.BICUBIC, CLIP_MEAN, CLIP_STD),
    BLIP(Resampling.BICUBIC, CLIP_MEAN, CLIP_STD),
    VIT(Resampling.BILINEAR, HALF, HALF);

    private final Resampling filter;
    private final List<Double> mean;
    private final List<Double> std;

    Kind(Resampling filter, List<Double> mean, List<Double> std) {
      this.filter = filter;
      this.mean = mean;
      this.std = std;
    }
  }

  /** How large the picture is made; {@code shortest} wins when it is not 0. */
  private record Size(int shortest, int height, int width) {}

  private final boolean resizes;
  private final Size size;
  private final Resampling filter;
  private final boolean crops;
  private final Size crop;
  private final boolean rescales;
  private final double factor;
  private final boolean normalises;
  private final float[] mean;
  private final float[] std;

  private Preprocessing(ModelConfig config, Kind kind) {
    config.absent("do_pad").absent("do_flip_channel_order");
    config.only("do_convert_rgb", true, false);
    resizes = config.flag("do_resize", true);
    size = size(config, "size", kind);
    filter = filter(config, kind);
    crops = kind == Kind.CLIP && config.flag("do_center_crop", true);
    crop = crops ? square(config) : new Size(0, 0, 0);
    rescales = config.flag("do_rescale", true);
    factor = config.decimal("rescale_factor", 1 / 255.0);
    normalises = config.flag("do_normalize", true);
    mean = three(config, "image_mean", kind.mean);
    std = three(config, "image_std", kind.std);
    if (kind != Kind.CLIP) {
      config.only("do_center_crop", false);
    }
  }

  /** Reads a {@code preprocessor_config.json}. */
  public static Preprocessing read(Path file) {
    return of(ModelConfig.read(file));
  }

  /** Takes a configuration that has been read. */
  public static Preprocessing of(ModelConfig config) {
    String type =
        config
            .text("image_processor_type")
            .or(() -> config.text("feature_extractor_type"))
            .or(() -> config.text("processor_class"))
            .orElseThrow(() -> new ConfigInvalid(config.file(), "image_processor_type is missing"));
    return new Preprocessing(
        config,
        switch (type) {
          case "CLIPImageProcessor",
              "CLIPImageProcessorFast",
              "CLIPFeatureExtractor",
              "CLIPProcessor" ->
              Kind.CLIP;
          case "BlipImageProcessor", "BlipImageProcessorFast", "BlipProcessor" -> Kind.BLIP;
          case "ViTImageProcessor", "ViTImageProcessorFast", "ViTFeatureExtractor" -> Kind.VIT;
          default ->
              throw config.unsupported(
                  config.has("image_processor_type")
                      ? "image_processor_type"
                      : config.has("feature_extractor_type")
                          ? "feature_extractor_type"
                          : "processor_class",
                  "supported: the image processors of CLIP, BLIP and ViT");
        });
  }

  /** The network's input for a picture: {@code [3, height, width]}. */
  public PixelValues apply(RgbImage picture) {
    RgbImage image = framed(picture);
    int plane = image.width() * image.height();
    float[] values = new float[3 * plane];
    byte[] pixels = image.pixels();
    for (int channel = 0; channel < 3; channel++) {
      float[] table = table(channel);
      for (int i = 0; i < plane; i++) {
        values[channel * plane + i] = table[pixels[3 * i + channel] & 0xff];
      }
    }
    return new PixelValues(image.height(), image.width(), values);
  }

  /** Resized and cropped; where both are asked for, only what the crop keeps is computed. */
  private RgbImage framed(RgbImage picture) {
    if (!resizes) {
      return crops ? centre(picture) : picture;
    }
    if (size.shortest > 0 && !crops) {
      return Framing.shortestEdge(picture, size.shortest, filter);
    }
    var whole =
        size.shortest > 0
            ? Framing.shortestEdge(picture, size.shortest)
            : new Part(0, 0, size.width, size.height);
    if (!crops) {
      return filter.resize(picture, whole.width(), whole.height());
    }
    int top = Math.floorDiv(whole.height() - crop.height, 2);
    int left = Math.floorDiv(whole.width() - crop.width, 2);
    if (top >= 0 && left >= 0) {
      var part = new Part(left, top, crop.width, crop.height);
      return filter.resize(picture, whole.width(), whole.height(), part);
    }
    Framing.refuseEndless(picture, whole);
    return centre(filter.resize(picture, whole.width(), whole.height()));
  }

  /** The float for each of the 256 levels: scaled in 64 bits, normalised in 32, as NumPy does. */
  private float[] table(int channel) {
    float[] table = new float[256];
    for (int level = 0; level < 256; level++) {
      float value = rescales ? (float) (level * factor) : level;
      table[level] = normalises ? (value - mean[channel]) / std[channel] : value;
    }
    return table;
  }

  /** The peer pads a picture that is too small at its top left by the larger half. */
  private RgbImage centre(RgbImage image) {
    int top = Math.floorDiv(image.height() - crop.height, 2);
    int left = Math.floorDiv(image.width() - crop.width, 2);
    boolean fits = top >= 0 && left >= 0;
    if (fits) {
      return Framing.crop(image, left, top, crop.width, crop.height);
    }
    int paddedHeight = Math.max(crop.height, image.height());
    int paddedWidth = Math.max(crop.width, image.width());
    int above = Math.ceilDiv(paddedHeight - image.height(), 2);
    int before = Math.ceilDiv(paddedWidth - image.width(), 2);
    return Framing.crop(
        image,
        Math.max(0, left + before) - before,
        Math.max(0, top + above) - above,
        crop.width,
        crop.height);
  }

  private static Size size(ModelConfig config, String key, Kind kind) {
    if (!config.has(key)) {
      return switch (kind) {
        case CLIP -> new Size(224, 0, 0);
        case BLIP -> new Size(0, 384, 384);
        case VIT -> new Size(0, 224, 224);
      };
    }
    if (config.isNumber(key)) {
      int edge = positive(config, key);
      return kind == Kind.CLIP ? new Size(edge, 0, 0) : new Size(0, edge, edge);
    }
    ModelConfig size = config.object(key).absent("longest_edge");
    if (size.has("shortest_edge")) {
      if (kind != Kind.CLIP) {
        throw size.unsupported("shortest_edge", "this processor needs height and width");
      }
      return new Size(positive(size, "shortest_edge"), 0, 0);
    }
    return new Size(0, positive(size, "height"), positive(size, "width"));
  }

  private static Size square(ModelConfig config) {
    if (!config.has("crop_size")) {
      return new Size(0, 224, 224);
    }
    if (config.isNumber("crop_size")) {
      int edge = positive(config, "crop_size");
      return new Size(0, edge, edge);
    }
    ModelConfig crop = config.object("crop_size");
    return new Size(0, positive(crop, "height"), positive(crop, "width"));
  }

  private static int positive(ModelConfig config, String key) {
    int value = config.integer(key);
    if (value < 1 || value > 1 << 14) {
      throw config.unsupported(key, "expected 1 to 16384 pixels");
    }
    return value;
  }

  private static Resampling filter(ModelConfig config, Kind kind) {
    if (!config.has("resample")) {
      return kind.filter;
    }
    int code = config.integer("resample");
    return Arrays.stream(Resampling.values())
        .filter(filter -> filter.code() == code)
        .findFirst()
        .orElseThrow(() -> config.unsupported("resample", "supported: 1 to 5"));
  }

  private static float[] three(ModelConfig config, String key, List<Double> absent) {
    List<Double> values = config.has(key) ? config.decimals(key) : absent;
    if (values.size() != 3) {
      throw config.unsupported(key, "expected three numbers, for red, green and blue");
    }
    return new float[] {
      values.get(0).floatValue(), values.get(1).floatValue(), values.get(2).floatValue()
    };
  }
}
