package flora.store.s3;

import flora.store.ObjectStoreException;
import java.io.IOException;
import java.io.InputStream;
import java.util.function.LongFunction;

/** An object's bytes, read on from where a connection broke. */
final class ResumingStream extends InputStream {

  private final String name;
  private final LongFunction<InputStream> openAt;
  private InputStream in;
  private long position;
  private int failures;

  /**
   * @param openAt opens the object again at the given distance from the start of this stream
   */
  ResumingStream(String name, InputStream first, LongFunction<InputStream> openAt) {
    this.name = name;
    this.in = first;
    this.openAt = openAt;
  }

  @Override
  public int read() {
    var one = new byte[1];
    return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
  }

  @Override
  public int read(byte[] bytes, int offset, int length) {
    while (true) {
      try {
        int n = in.read(bytes, offset, length);
        if (n > 0) {
          position += n;
          failures = 0;
        }
        return n;
      } catch (IOException e) {
        if (Thread.currentThread().isInterrupted() || !S3Calls.again(failures++)) {
          throw new ObjectStoreException.Unavailable(name + " broke off: " + e.getMessage(), e);
        }
        close();
        in = openAt.apply(position);
      }
    }
  }

  @Override
  public int available() throws IOException {
    return in.available();
  }

  @Override
  public void close() {
    try {
      in.close();
    } catch (IOException e) {
      // the connection is gone already
    }
  }
}
