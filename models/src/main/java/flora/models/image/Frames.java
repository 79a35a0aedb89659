package flora.models.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Counts the pictures in a file by its blocks, without decoding any. Damage ends the count and is
 * no error: the decoder says what is wrong.
 */
final class Frames {

  /** Nobody needs to know of more. */
  private static final int ENOUGH = 10_000;

  private static final int ACTL = 0x6163544c;
  private static final int IDAT = 0x49444154;

  private Frames() {}

  /** How many pictures there are, at least 1. */
  static int count(byte[] bytes, ImageFormat format) {
    try {
      int found =
          switch (format) {
            case GIF -> gif(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN));
            case PNG -> png(ByteBuffer.wrap(bytes));
            case TIFF -> tiff(ByteBuffer.wrap(bytes));
            case JPEG, BMP, WEBP, HEIF, UNKNOWN -> 1;
          };
      return Math.clamp(found, 1, ENOUGH);
    } catch (IndexOutOfBoundsException | IllegalArgumentException e) {
      return 1;
    }
  }

  /** Image descriptors, each with sub-blocks behind it. */
  private static int gif(ByteBuffer in) {
    int at = 13 + colours(in.get(10));
    int frames = 0;
    while (at < in.limit() && frames < ENOUGH) {
      switch (in.get(at) & 0xff) {
        case 0x2c -> {
          frames++;
          if (at + 10 > in.limit()) {
            return frames;
          }
          at = behindSubBlocks(in, at + 11 + colours(in.get(at + 9)));
        }
        case 0x21 -> at = behindSubBlocks(in, at + 2);
        default -> {
          return frames;
        }
      }
    }
    return frames;
  }

  private static int colours(byte flags) {
    return (flags & 0x80) == 0 ? 0 : 3 << ((flags & 7) + 1);
  }

  private static int behindSubBlocks(ByteBuffer in, int from) {
    int at = from;
    while (at < in.limit() && in.get(at) != 0) {
      at += 1 + (in.get(at) & 0xff);
    }
    return at + 1;
  }

  /** An animation says so before the first pixels. */
  private static int png(ByteBuffer in) {
    int at = 8;
    while (at + 12 <= in.limit()) {
      int length = in.getInt(at);
      int type = in.getInt(at + 4);
      if (type == IDAT || length < 0 || length > in.limit() - at - 12) {
        return 1;
      }
      if (type == ACTL && length >= 4) {
        return in.getInt(at + 8);
      }
      at += 12 + length;
    }
    return 1;
  }

  /** The chain of directories; one that goes in circles counts until nobody needs to know. */
  private static int tiff(ByteBuffer in) {
    in.order(in.get(0) == 'I' ? ByteOrder.LITTLE_ENDIAN : ByteOrder.BIG_ENDIAN);
    int frames = 0;
    int at = in.getInt(4);
    while (at != 0 && frames < ENOUGH) {
      if (at < 8 || at > in.limit() - 2) {
        return frames;
      }
      frames++;
      int next = at + 2 + 12 * Short.toUnsignedInt(in.getShort(at));
      if (next > in.limit() - 4) {
        return frames;
      }
      at = in.getInt(next);
    }
    return frames;
  }
}
