package flora.models.image;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Finds and applies the EXIF orientation, as Pillow's {@code ImageOps.exif_transpose}. */
final class Exif {

  private static final int ORIENTATION = 0x0112;
  private static final int UPRIGHT = 1;

  private Exif() {}

  /** The orientation 1 to 8 in a TIFF structure; 1 when there is none or it is damaged. */
  static int orientation(ByteBuffer tiff) {
    try {
      var in = tiff.slice();
      short mark = in.getShort(0);
      if (mark == 0x4949) {
        in.order(ByteOrder.LITTLE_ENDIAN);
      } else if (mark != 0x4d4d) {
        return UPRIGHT;
      }
      int directory = in.getInt(4);
      int entries = Short.toUnsignedInt(in.getShort(directory));
      for (int i = 0; i < entries; i++) {
        int entry = directory + 2 + 12 * i;
        if (Short.toUnsignedInt(in.getShort(entry)) == ORIENTATION) {
          int value = Short.toUnsignedInt(in.getShort(entry + 8));
          return value >= 1 && value <= 8 ? value : UPRIGHT;
        }
      }
      return UPRIGHT;
    } catch (IndexOutOfBoundsException | BufferUnderflowException e) {
      return UPRIGHT;
    }
  }

  /** The picture turned and mirrored so that it stands upright. */
  static RgbImage upright(RgbImage image, int orientation) {
    int w = image.width();
    int h = image.height();
    return switch (orientation) {
      case 2 -> map(image, w, h, (x, y) -> at(w - 1 - x, y, w));
      case 3 -> map(image, w, h, (x, y) -> at(w - 1 - x, h - 1 - y, w));
      case 4 -> map(image, w, h, (x, y) -> at(x, h - 1 - y, w));
      case 5 -> map(image, h, w, (x, y) -> at(y, x, w));
      case 6 -> map(image, h, w, (x, y) -> at(y, h - 1 - x, w));
      case 7 -> map(image, h, w, (x, y) -> at(w - 1 - y, h - 1 - x, w));
      case 8 -> map(image, h, w, (x, y) -> at(w - 1 - y, x, w));
      default -> image;
    };
  }

  /** Where the pixel for a place of the new picture lies in the old one. */
  @FunctionalInterface
  private interface Place {
    int of(int x, int y);
  }

  private static int at(int x, int y, int width) {
    return y * width + x;
  }

  private static RgbImage map(RgbImage image, int width, int height, Place from) {
    byte[] source = image.pixels();
    byte[] target = new byte[source.length];
    int to = 0;
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++, to += 3) {
        System.arraycopy(source, 3 * from.of(x, y), target, to, 3);
      }
    }
    return new RgbImage(width, height, target);
  }
}
