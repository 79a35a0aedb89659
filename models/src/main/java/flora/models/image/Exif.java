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
      case 2 -> map(image, w, h, w - 1, -1, w);
      case 3 -> map(image, w, h, h * w - 1, -1, -w);
      case 4 -> map(image, w, h, (h - 1) * w, 1, -w);
      case 5 -> map(image, h, w, 0, w, 1);
      case 6 -> map(image, h, w, (h - 1) * w, -w, 1);
      case 7 -> map(image, h, w, h * w - 1, -w, -1);
      case 8 -> map(image, h, w, w - 1, w, -1);
      default -> image;
    };
  }

  /**
   * A picture made of another one's pixels.
   *
   * @param first where its first pixel comes from
   * @param right how far the pixel to the right comes from there
   * @param down how far the pixel below comes from there
   */
  private static RgbImage map(
      RgbImage image, int width, int height, int first, int right, int down) {
    byte[] source = image.pixels();
    byte[] target = new byte[source.length];
    int to = 0;
    for (int y = 0; y < height; y++) {
      int from = 3 * (first + y * down);
      for (int x = 0; x < width; x++, to += 3, from += 3 * right) {
        target[to] = source[from];
        target[to + 1] = source[from + 1];
        target[to + 2] = source[from + 2];
      }
    }
    return new RgbImage(width, height, target);
  }
}
