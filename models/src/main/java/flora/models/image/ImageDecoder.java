package flora.models.image;

import flora.models.ModelException.ImageUnreadable;
import flora.models.ModelException.ImageUnreadable.Reason;
import flora.models.ModelException.Unreadable;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.PackedColorModel;
import java.awt.image.Raster;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.LongSupplier;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;

/**
 * Decodes picture files into upright RGB, as {@code
 * ImageOps.exif_transpose(Image.open(f)).convert("RGB")} of Pillow does: alpha is dropped and not
 * blended, a palette is looked up, CMYK is converted, and no colour profile is applied.
 *
 * <p>One difference is wanted: 16-bit grey is scaled to 8 bits, where Pillow cuts it off at 255.
 *
 * <p>JPEG, PNG, GIF, BMP and TIFF; of a file with several pictures the first one. What goes beyond
 * the {@link DecodeLimits} is refused, by the header as far as it tells. Safe for use by several
 * threads.
 */
public final class ImageDecoder {

  /** A longer side of so many shorter ones is a line, and resizing would make it endless. */
  private static final int MAX_RATIO = 128;

  /**
   * Each scan of a progressive JPEG costs a pass over all its pixels and may be only a few bytes
   * long; encoders write about ten.
   */
  private static final int MAX_SCANS = 100;

  private final DecodeLimits limits;
  private final LongSupplier nanos;

  /** A decoder with the default limits. */
  public ImageDecoder() {
    this(DecodeLimits.DEFAULT);
  }

  /** A decoder that refuses pictures of more pixels than that. */
  public ImageDecoder(long maxPixels) {
    this(DecodeLimits.DEFAULT.withMaxPixels(maxPixels));
  }

  /** A decoder that refuses what costs more than that. */
  public ImageDecoder(DecodeLimits limits) {
    this(limits, System::nanoTime);
  }

  /** Beside the limits, what the time is measured by. */
  ImageDecoder(DecodeLimits limits, LongSupplier nanos) {
    this.limits = limits;
    this.nanos = nanos;
  }

  /** How many pictures the file holds: those of an animation, or pages. At least 1. */
  public int frames(byte[] bytes) {
    return Frames.count(bytes, ImageFormat.of(bytes));
  }

  /** Decodes a file. Throws {@link ImageUnreadable}. */
  public RgbImage decode(Path file) {
    try {
      return decode(Files.readAllBytes(file));
    } catch (IOException e) {
      throw new Unreadable(file, e);
    }
  }

  /** Decodes the bytes of a file. Throws {@link ImageUnreadable} with the reason. */
  public RgbImage decode(byte[] bytes) {
    var format = ImageFormat.of(bytes);
    if (limits.rejectAnimated()) {
      refuseAnimated(format, Frames.count(bytes, format));
    }
    return switch (format) {
      case JPEG -> jpeg(bytes);
      case PNG -> png(bytes);
      case TIFF -> Exif.upright(read(bytes, format), Exif.orientation(ByteBuffer.wrap(bytes)));
      case GIF, BMP -> read(bytes, format);
      case WEBP, HEIF ->
          throw new ImageUnreadable(
              Reason.FORMAT, format + " is not supported; convert the picture to PNG or JPEG");
      case UNKNOWN ->
          throw new ImageUnreadable(
              Reason.FORMAT, "not a picture; expected JPEG, PNG, GIF, BMP or TIFF");
    };
  }

  private RgbImage png(byte[] bytes) {
    int orientation = PngChunks.orientation(bytes);
    return Exif.upright(read(bytes, ImageFormat.PNG), orientation);
  }

  private RgbImage jpeg(byte[] bytes) {
    var markers = JpegMarkers.read(bytes);
    if (markers.colours() == JpegMarkers.Colours.OTHER) {
      throw new ImageUnreadable(
          Reason.FORMAT, "the JPEG has no frame of 1, 3 or 4 colour components");
    }
    int scans = JpegMarkers.scans(bytes);
    if (scans > MAX_SCANS) {
      throw new ImageUnreadable(
          Reason.TOO_LARGE,
          "the JPEG has %d scans, at most %d are allowed".formatted(scans, MAX_SCANS));
    }
    var image =
        with(
            bytes,
            ImageFormat.JPEG,
            reader -> JpegColours.rgb(reader.readRaster(0, null), markers));
    return Exif.upright(image, markers.orientation());
  }

  private RgbImage read(byte[] bytes, ImageFormat format) {
    return with(bytes, format, reader -> rgb(reader.read(0)));
  }

  @FunctionalInterface
  private interface Decoding {
    RgbImage decode(ImageReader reader) throws IOException;
  }

  private RgbImage with(byte[] bytes, ImageFormat format, Decoding decoding) {
    ImageReader reader = ImageIO.getImageReadersByFormatName(format.name()).next();
    var in = new TimedInput(bytes, nanos, limits.time().toNanos());
    try {
      reader.setInput(in, true, true);
      refuseTooLarge(reader.getWidth(0), reader.getHeight(0));
      refuseLine(reader.getWidth(0), reader.getHeight(0));
      if (format == ImageFormat.TIFF) {
        refuseTooLarge(reader.getTileWidth(0), reader.getTileHeight(0));
      }
      List<String> warnings = new ArrayList<>();
      reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
      RgbImage image = decoding.decode(reader);
      if (in.isExpired()) {
        throw tooSlow(format);
      }
      refuseTruncated(format, warnings);
      return image;
    } catch (IOException | RuntimeException e) {
      // the readers answer damaged input with many kinds of exceptions, and the end of time too
      if (e instanceof ImageUnreadable known) {
        throw known;
      }
      throw in.isExpired() ? tooSlow(format) : corrupt(format, e);
    } catch (OutOfMemoryError e) {
      // the header of a part asked for more than there is; nothing of it was kept
      throw new ImageUnreadable(
          Reason.TOO_LARGE, "the %s takes more memory than there is".formatted(format));
    } finally {
      reader.dispose();
    }
  }

  private void refuseTooLarge(int width, int height) {
    if ((long) width * height > limits.maxPixels()) {
      throw new ImageUnreadable(
          Reason.TOO_LARGE,
          "the picture is %d x %d, at most %d pixels are allowed"
              .formatted(width, height, limits.maxPixels()));
    }
    int longer = Math.max(width, height);
    if (longer > limits.maxSide()) {
      throw new ImageUnreadable(
          Reason.TOO_LARGE,
          "the picture is %d x %d, at most %d pixels a side are allowed"
              .formatted(width, height, limits.maxSide()));
    }
  }

  private static void refuseLine(int width, int height) {
    if (Math.max(width, height) > (long) MAX_RATIO * Math.min(width, height)) {
      throw new ImageUnreadable(
          Reason.TOO_LARGE,
          "the picture is %d x %d: one side is more than %d times the other"
              .formatted(width, height, MAX_RATIO));
    }
  }

  private static void refuseAnimated(ImageFormat format, int frames) {
    if (frames > 1) {
      throw new ImageUnreadable(
          Reason.ANIMATED,
          "the %s holds %d pictures; give them as files of their own, or allow the first to stand"
              .formatted(format, frames));
    }
  }

  private ImageUnreadable tooSlow(ImageFormat format) {
    return new ImageUnreadable(
        Reason.TOO_SLOW,
        "the %s was not decoded within %d s".formatted(format, limits.time().toSeconds()));
  }

  private static ImageUnreadable corrupt(ImageFormat format, Exception e) {
    boolean ended =
        e instanceof EOFException
            || e.getCause() instanceof EOFException
            || String.valueOf(e.getMessage()).toLowerCase(Locale.ROOT).contains("end of");
    return new ImageUnreadable(
        ended ? Reason.TRUNCATED : Reason.CORRUPT,
        "the %s cannot be decoded: %s".formatted(format, e.getMessage()));
  }

  private static void refuseTruncated(ImageFormat format, List<String> warnings) {
    for (String warning : warnings) {
      String text = warning.toLowerCase(Locale.ROOT);
      if (text.contains("truncated") || text.contains("premature end")) {
        throw new ImageUnreadable(
            Reason.TRUNCATED, "the %s ends too early: %s".formatted(format, warning));
      }
    }
  }

  /** The raw samples as RGB; BufferedImage.getRGB would convert grey between colour spaces. */
  private static RgbImage rgb(BufferedImage image) {
    int width = image.getWidth();
    int height = image.getHeight();
    byte[] pixels = new byte[Math.multiplyExact(3, Math.multiplyExact(width, height))];
    var model = image.getColorModel();
    if (model instanceof PackedColorModel) {
      packed(image, pixels);
    } else if (model instanceof IndexColorModel palette) {
      indexed(image.getRaster(), palette, pixels);
    } else if (model.getColorSpace().getType() == ColorSpace.TYPE_CMYK) {
      inks(image.getRaster(), pixels);
    } else {
      samples(image.getRaster(), pixels);
    }
    return new RgbImage(width, height, pixels);
  }

  private static void packed(BufferedImage image, byte[] pixels) {
    int to = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      for (int x = 0; x < image.getWidth(); x++) {
        int argb = image.getRGB(x, y);
        pixels[to++] = (byte) (argb >> 16);
        pixels[to++] = (byte) (argb >> 8);
        pixels[to++] = (byte) argb;
      }
    }
  }

  private static void indexed(Raster raster, IndexColorModel palette, byte[] pixels) {
    int[] row = new int[raster.getWidth()];
    int to = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getSamples(0, y, row.length, 1, 0, row);
      for (int index : row) {
        boolean known = index < palette.getMapSize();
        pixels[to++] = (byte) (known ? palette.getRed(index) : 0);
        pixels[to++] = (byte) (known ? palette.getGreen(index) : 0);
        pixels[to++] = (byte) (known ? palette.getBlue(index) : 0);
      }
    }
  }

  /** CMYK of a TIFF, where a sample is how much of the ink there is. */
  private static void inks(Raster raster, byte[] pixels) {
    var in = InterleavedBytes.of(raster, shift(raster));
    int to = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      for (int x = 0; x < raster.getWidth(); x++, to += 3) {
        int at = x * in.stride;
        JpegColours.cmyk(
            in.samples[in.at(y, 0) + at] & 0xff,
            in.samples[in.at(y, 1) + at] & 0xff,
            in.samples[in.at(y, 2) + at] & 0xff,
            in.samples[in.at(y, 3) + at] & 0xff,
            pixels,
            to);
      }
    }
  }

  /** By how many bits a sample is longer than a byte. */
  private static int shift(Raster raster) {
    int shift = raster.getSampleModel().getSampleSize(0) - 8;
    if (shift < 0 || shift > 8) {
      throw new ImageUnreadable(
          Reason.FORMAT, "pictures of %d bits a sample are not supported".formatted(shift + 8));
    }
    return shift;
  }

  private static void samples(Raster raster, byte[] pixels) {
    int bands = raster.getNumBands();
    int green = bands >= 3 ? 1 : 0;
    int blue = bands >= 3 ? 2 : 0;
    var in = InterleavedBytes.of(raster, shift(raster));
    int to = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      int red = in.at(y, 0);
      int toGreen = in.at(y, green) - red;
      int toBlue = in.at(y, blue) - red;
      for (int x = 0; x < raster.getWidth(); x++, to += 3, red += in.stride) {
        pixels[to] = in.samples[red];
        pixels[to + 1] = in.samples[red + toGreen];
        pixels[to + 2] = in.samples[red + toBlue];
      }
    }
  }
}
