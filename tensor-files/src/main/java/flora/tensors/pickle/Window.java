package flora.tensors.pickle;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** A piece of a source that moves forward with its reader, so that small reads stay few. */
final class Window {

  /** Bytes that are read at once where much of what follows may be wanted. */
  static final int USUAL = 256 << 10;

  private final ByteSource source;
  private final long end;
  private final byte[] bytes;
  private final ByteBuffer numbers;
  private long start;
  private int filled;

  /**
   * @param end where the readable part of the source ends
   */
  Window(ByteSource source, long end, int capacity) {
    this.source = source;
    this.end = end;
    this.bytes = new byte[(int) Math.min(capacity, Math.max(end, 16))];
    this.numbers = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** The index in {@link #bytes()} of {@code offset}, from which {@code length} bytes lie ready. */
  int at(long offset, int length) throws IOException {
    if (offset < start || offset + length > start + filled) {
      if (offset < 0 || length > bytes.length || offset > end - length) {
        throw new IndexOutOfBoundsException(
            "%d bytes from %d of a source of %d".formatted(length, offset, end));
      }
      int n = (int) Math.min(bytes.length, end - offset);
      filled = 0;
      source.read(offset, bytes, 0, n);
      start = offset;
      filled = n;
    }
    return (int) (offset - start);
  }

  /** The most bytes that can lie ready. */
  int capacity() {
    return bytes.length;
  }

  byte[] bytes() {
    return bytes;
  }

  int u16(long offset) throws IOException {
    return Short.toUnsignedInt(numbers.getShort(at(offset, 2)));
  }

  int i32(long offset) throws IOException {
    return numbers.getInt(at(offset, 4));
  }

  long u32(long offset) throws IOException {
    return Integer.toUnsignedLong(i32(offset));
  }

  long i64(long offset) throws IOException {
    return numbers.getLong(at(offset, 8));
  }
}
