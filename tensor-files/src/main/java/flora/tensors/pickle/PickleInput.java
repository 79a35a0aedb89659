package flora.tensors.pickle;

import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.TooLarge;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** The instructions of one pickle, from the front; lengths are believed only after a look. */
final class PickleInput {

  private final String file;
  private final long from;
  private final long end;
  private final Window window;
  private long position;

  PickleInput(String file, ByteSource source, long from, long end) {
    this.file = file;
    this.from = from;
    this.end = end;
    this.window = new Window(source, end, Window.USUAL);
    this.position = from;
  }

  String file() {
    return file;
  }

  /** Where in the file the next byte lies. */
  long position() {
    return position;
  }

  /** How many bytes there may still be. */
  long remaining() {
    return end - position;
  }

  int u8() throws IOException {
    long at = advance(1);
    return Byte.toUnsignedInt(window.bytes()[window.at(at, 1)]);
  }

  int u16() throws IOException {
    return window.u16(advance(2));
  }

  int i32() throws IOException {
    return window.i32(advance(4));
  }

  long u32() throws IOException {
    return window.u32(advance(4));
  }

  /** A length of eight bytes; one beyond 2^63 is more than the file has anyway. */
  long length() throws IOException {
    long length = window.i64(advance(8));
    return length < 0 ? Long.MAX_VALUE : length;
  }

  void skip(int length) {
    advance(length);
  }

  /** Bytes of a length that the pickle says. */
  byte[] bytes(long length, int limit, String what) throws IOException {
    if (length > limit) {
      throw new TooLarge(file, "bytes in " + what, limit);
    }
    int n = (int) length;
    long at = advance(n);
    var bytes = new byte[n];
    for (int done = 0; done < n; ) {
      int piece = Math.min(n - done, Window.USUAL / 2);
      int index = window.at(at + done, piece);
      System.arraycopy(window.bytes(), index, bytes, done, piece);
      done += piece;
    }
    return bytes;
  }

  /** A text of a length that the pickle says, in UTF-8. */
  String text(long length) throws IOException {
    return utf8(bytes(length, Limits.TEXT, "a text"));
  }

  /** The rest of a line, without its end. */
  String line() throws IOException {
    var bytes = new byte[Limits.LINE];
    for (int n = 0; n < bytes.length; n++) {
      bytes[n] = (byte) u8();
      if (bytes[n] == '\n') {
        return utf8(Arrays.copyOf(bytes, n));
      }
    }
    throw new TooLarge(file, "bytes in a line", Limits.LINE);
  }

  Malformed malformed(String detail) {
    return new Malformed(file, Defect.BAD_PICKLE, "%s at byte %d".formatted(detail, position));
  }

  private String utf8(byte[] bytes) {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException e) {
      throw malformed("a text that is not UTF-8");
    }
  }

  private long advance(int length) {
    long at = position;
    if (length > end - at) {
      throw new Malformed(
          file, Defect.TRUNCATED, "the pickle that begins at byte %d has no end".formatted(from));
    }
    if (at + length - from > Limits.PICKLE) {
      throw new TooLarge(file, "bytes of instructions", Limits.PICKLE);
    }
    position = at + length;
    return at;
  }
}
