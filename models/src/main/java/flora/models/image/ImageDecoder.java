package flora.models.image;

import flora.models.ModelException.ImageUnreadable;
import flora.models.ModelException.ImageUnreadable.Reason;
import flora.models.ModelException.Unreadable;
import java.awt.image.BufferedImage;
import java.awt.image.IndexColorModel;
import java.awt.image.PackedColorModel;
import java.awt.image.Raster;
import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.stream.MemoryCacheImageInputStream;

/**
 * Decodes picture files into upright RGB, as {@code
 * ImageOps.exif_transpose(Image.open(f)).convert("RGB")} of Pillow does: alpha is dropped and not
 * blended, a palette is looked up, CMYK is converted, and no colour profile is applied.
 *
 * <p>One difference is wanted: 16-bit grey is scaled to 8 bits, where Pillow cuts it off at 255.
 *
 * <p>JPEG, PNG, GIF (first picture), BMP and TIFF. A picture with more pixels than the limit is
 * refused before any of them is decoded. Safe for use by several threads.
 */
public final class ImageDecoder {

  /** The pixel count at which Pillow begins to warn of a decompression bomb. */
  public static final long DEFAULT_MAX_PIXELS = 89_478_485;

  private final long maxPixels;

  /** A decoder with the default limit. */
  public ImageDecoder() {
    this(DEFAULT_MAX_PIXELS);
  }

  /** A decoder that refuses pictures of more pixels than that. */
  public ImageDecoder(long maxPixels) {
    this.maxPixels = Math.min(maxPixels, Integer.MAX_VALUE / 4);
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
    try (var in = new MemoryCacheImageInputStream(new ByteArrayInputStream(bytes))) {
      reader.setInput(in, true, true);
      int width = reader.getWidth(0);
      int height = reader.getHeight(0);
      if ((long) width * height > maxPixels) {
        throw new ImageUnreadable(
            Reason.TOO_LARGE,
            "the picture is %d x %d, at most %d pixels are allowed"
                .formatted(width, height, maxPixels));
      }
      List<String> warnings = new ArrayList<>();
      reader.addIIOReadWarningListener((source, warning) -> warnings.add(warning));
      RgbImage image = decoding.decode(reader);
      refuseTruncated(format, warnings);
      return image;
    } catch (EOFException e) {
      throw new ImageUnreadable(Reason.TRUNCATED, "the " + format + " ends too early");
    } catch (IOException | RuntimeException e) {
      // the readers answer damaged input with many kinds of exceptions
      throw e instanceof ImageUnreadable known ? known : corrupt(format, e);
    } finally {
      reader.dispose();
    }
  }

  private static ImageUnreadable corrupt(ImageFormat format, Exception e) {
    boolean ended =
        e.getCause() instanceof EOFException
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

  private static void samples(Raster raster, byte[] pixels) {
    int bands = raster.getNumBands();
    int green = bands >= 3 ? 1 : 0;
    int blue = bands >= 3 ? 2 : 0;
    int shift = raster.getSampleModel().getSampleSize(0) - 8;
    if (shift < 0 || shift > 8) {
      throw new ImageUnreadable(
          Reason.FORMAT, "pictures of %d bits a sample are not supported".formatted(shift + 8));
    }
    int[] row = new int[raster.getWidth() * bands];
    int to = 0;
    for (int y = 0; y < raster.getHeight(); y++) {
      raster.getPixels(0, y, raster.getWidth(), 1, row);
      for (int at = 0; at < row.length; at += bands) {
        pixels[to++] = (byte) (row[at] >> shift);
        pixels[to++] = (byte) (row[at + green] >> shift);
        pixels[to++] = (byte) (row[at + blue] >> shift);
      }
    }
  }
}
