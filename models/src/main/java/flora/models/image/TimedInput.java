package flora.models.image;

import java.io.IOException;
import java.util.function.LongSupplier;
import javax.imageio.stream.ImageInputStreamImpl;

/**
 * The bytes of a file for one of ImageIO's readers, until the time is over: then every read fails.
 * The readers take their input piece by piece while they decode, so that this stops them all, and
 * on their own thread; {@code ImageReader.abort} may not be called from another one.
 */
final class TimedInput extends ImageInputStreamImpl {

  /** Single bytes between two looks at the time. */
  private static final int PATIENCE = 1024;

  private final byte[] bytes;
  private final LongSupplier nanos;
  private final long start;
  private final long limit;
  private int reads;
  private boolean expired;

  TimedInput(byte[] bytes, LongSupplier nanos, long limit) {
    this.bytes = bytes;
    this.nanos = nanos;
    this.limit = limit;
    start = nanos.getAsLong();
  }

  /** Whether the time is over; looked at once more. */
  boolean isExpired() {
    expired |= nanos.getAsLong() - start > limit;
    return expired;
  }

  @Override
  public int read() throws IOException {
    checkClosed();
    bitOffset = 0;
    if (++reads % PATIENCE == 0) {
      refuseWhenExpired();
    }
    return streamPos < bytes.length ? bytes[(int) streamPos++] & 0xff : -1;
  }

  @Override
  public int read(byte[] to, int offset, int length) throws IOException {
    checkClosed();
    bitOffset = 0;
    refuseWhenExpired();
    if (length == 0) {
      return 0;
    }
    if (streamPos >= bytes.length) {
      return -1;
    }
    int count = (int) Math.min(length, bytes.length - streamPos);
    System.arraycopy(bytes, (int) streamPos, to, offset, count);
    streamPos += count;
    return count;
  }

  @Override
  public long length() {
    return bytes.length;
  }

  private void refuseWhenExpired() throws IOException {
    if (isExpired()) {
      throw new IOException("the time for this picture is over");
    }
  }
}
