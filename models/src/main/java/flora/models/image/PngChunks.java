package flora.models.image;

import flora.models.ModelException.ImageUnreadable;
import flora.models.ModelException.ImageUnreadable.Reason;
import java.nio.ByteBuffer;
import java.util.zip.CRC32;

/**
 * Walks the chunks of a PNG: proves the file whole (ImageIO does not) and finds the orientation.
 */
final class PngChunks {

  private static final int IEND = 0x49454e44;
  private static final int EXIF = 0x65584966;

  private PngChunks() {}

  /** The EXIF orientation; throws when a chunk is cut off or its checksum is wrong. */
  static int orientation(byte[] bytes) {
    var in = ByteBuffer.wrap(bytes).position(8);
    int orientation = 1;
    while (in.remaining() >= 12) {
      int length = in.getInt();
      int start = in.position();
      int type = in.getInt();
      if (length < 0 || length > in.remaining() - 4) {
        break;
      }
      var crc = new CRC32();
      crc.update(in.slice(start, 4 + length));
      if ((int) crc.getValue() != in.getInt(start + 4 + length)) {
        throw new ImageUnreadable(Reason.CORRUPT, "the PNG has a chunk with a wrong checksum");
      }
      if (type == IEND) {
        return orientation;
      }
      if (type == EXIF) {
        orientation = Exif.orientation(in.slice(start + 4, length));
      }
      in.position(start + 4 + length + 4);
    }
    throw new ImageUnreadable(Reason.TRUNCATED, "the PNG ends before its last chunk");
  }
}
