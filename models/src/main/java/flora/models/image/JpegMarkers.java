package flora.models.image;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What the markers of a JPEG say about its colours and its orientation.
 *
 * @param colours how the samples are coded, decided as libjpeg does
 * @param halfRows whether colour has all columns but only every second row (4:4:0), as in
 *     photographs that were turned without loss
 * @param orientation the EXIF orientation, or the one in XMP where EXIF has none; else 1
 */
record JpegMarkers(Colours colours, boolean halfRows, int orientation) {

  /** How the samples of a JPEG are coded. */
  enum Colours {
    GREY,
    YCC,
    RGB,
    CMYK,
    YCCK,
    OTHER
  }

  private static final Pattern XMP_ORIENTATION =
      Pattern.compile("tiff:Orientation(?:=\"|>)([1-8])");

  private static final int APP0 = 0xe0;
  private static final int APP1 = 0xe1;
  private static final int APP14 = 0xee;
  private static final int START_OF_SCAN = 0xda;
  private static final int END_OF_IMAGE = 0xd9;

  static JpegMarkers read(byte[] bytes) {
    boolean jfif = false;
    int adobe = -1;
    int exif = 0;
    int xmp = 0;
    int[] components = {};
    boolean halfRows = false;
    int at = 2;
    while (at + 4 <= bytes.length) {
      if ((bytes[at] & 0xff) != 0xff) {
        at++;
        continue;
      }
      int marker = bytes[at + 1] & 0xff;
      if (marker == 0xff) {
        at++;
        continue;
      }
      if (marker == START_OF_SCAN || marker == END_OF_IMAGE) {
        break;
      }
      if (marker <= 0x01 || isRestart(marker)) {
        at += 2;
        continue;
      }
      int length = (bytes[at + 2] & 0xff) << 8 | (bytes[at + 3] & 0xff);
      var segment =
          ByteBuffer.wrap(bytes).slice(at + 4, Math.clamp(length - 2L, 0, bytes.length - at - 4));
      if (marker == APP0 && startsWith(segment, "JFIF\0")) {
        jfif = true;
      } else if (marker == APP14 && startsWith(segment, "Adobe") && segment.remaining() >= 12) {
        adobe = segment.get(11) & 0xff;
      } else if (marker == APP1 && startsWith(segment, "Exif\0\0")) {
        exif = Exif.orientation(segment.slice(6, segment.remaining() - 6));
      } else if (marker == APP1 && startsWith(segment, "http://ns.adobe.com/xap/1.0/\0")) {
        xmp = xmpOrientation(segment);
      } else if (isStartOfFrame(marker)) {
        components = componentIds(segment);
        halfRows = halfRows(segment, components.length);
      }
      at += 2 + Math.max(2, length);
    }
    int orientation = exif > 1 || xmp == 0 ? Math.max(1, exif) : xmp;
    return new JpegMarkers(colours(components, jfif, adobe), halfRows, orientation);
  }

  /**
   * How many passes over the pixels the file asks for. Within coded pixels 0xff is followed by 0 or
   * by a restart marker, so that the next marker can be found.
   */
  static int scans(byte[] bytes) {
    int scans = 0;
    int at = 2;
    while (at + 4 <= bytes.length) {
      int marker = bytes[at + 1] & 0xff;
      if (bytes[at] != (byte) 0xff || marker <= 0x01 || marker == 0xff || isRestart(marker)) {
        at++;
        continue;
      }
      if (marker == END_OF_IMAGE) {
        break;
      }
      scans += marker == START_OF_SCAN ? 1 : 0;
      at += 2 + Math.max(2, (bytes[at + 2] & 0xff) << 8 | (bytes[at + 3] & 0xff));
    }
    return scans;
  }

  /** libjpeg's default_decompress_parms. */
  private static Colours colours(int[] ids, boolean jfif, int adobe) {
    return switch (ids.length) {
      case 1 -> Colours.GREY;
      case 3 -> {
        if (jfif) {
          yield Colours.YCC;
        }
        if (adobe >= 0) {
          yield adobe == 0 ? Colours.RGB : Colours.YCC;
        }
        yield ids[0] == 'R' && ids[1] == 'G' && ids[2] == 'B' ? Colours.RGB : Colours.YCC;
      }
      case 4 -> adobe == 2 ? Colours.YCCK : Colours.CMYK;
      default -> Colours.OTHER;
    };
  }

  private static boolean isRestart(int marker) {
    return marker >= 0xd0 && marker <= 0xd7;
  }

  private static boolean isStartOfFrame(int marker) {
    // C4, C8 and CC are tables and a reserved marker between the frame types
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
  }

  private static int[] componentIds(ByteBuffer frame) {
    int count = frame.remaining() > 5 ? frame.get(5) & 0xff : 0;
    if (frame.remaining() < 6 + 3 * count) {
      return new int[0];
    }
    int[] ids = new int[count];
    for (int i = 0; i < count; i++) {
      ids[i] = frame.get(6 + 3 * i) & 0xff;
    }
    return ids;
  }

  private static boolean halfRows(ByteBuffer frame, int count) {
    if (count < 3) {
      return false;
    }
    int brightness = frame.get(7) & 0xff;
    int colour = frame.get(10) & 0xff;
    return colour == (frame.get(13) & 0xff)
        && brightness >> 4 == colour >> 4
        && (brightness & 15) == 2 * (colour & 15);
  }

  private static int xmpOrientation(ByteBuffer segment) {
    Matcher found =
        XMP_ORIENTATION.matcher(StandardCharsets.ISO_8859_1.decode(segment.duplicate()));
    return found.find() ? found.group(1).charAt(0) - '0' : 0;
  }

  private static boolean startsWith(ByteBuffer segment, String text) {
    byte[] head = text.getBytes(StandardCharsets.ISO_8859_1);
    return segment.remaining() >= head.length
        && segment.slice(0, head.length).equals(ByteBuffer.wrap(head));
  }
}
