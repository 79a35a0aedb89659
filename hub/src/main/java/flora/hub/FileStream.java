package flora.hub;

import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;
import java.util.concurrent.atomic.AtomicLong;
import okhttp3.Call;
import okhttp3.Response;

/** A range of a file's bytes, as they come from a host. For one thread, but for {@link #cancel}. */
public final class FileStream implements AutoCloseable {

  private final Response response;
  private final String who;
  private final String host;
  private final OptionalLong total;
  private final boolean rangeIgnored;
  private final Call call;
  private final AtomicLong arrived = new AtomicLong();
  private long before;
  private long left;

  FileStream(
      HubHttp.Answer answer, String who, OptionalLong total, long length, boolean rangeIgnored) {
    this.response = answer.response();
    this.call = answer.call();
    this.who = who;
    this.left = length;
    this.rangeIgnored = rangeIgnored;
    this.host = response.request().url().host();
    this.total = total;
  }

  /**
   * Reads some bytes; -1 after the last one that was asked for, or where the host ends before.
   *
   * @throws HubException.Unreachable when the connection breaks or stays silent
   */
  public int read(byte[] into, int offset, int length) throws InterruptedException {
    if (left == 0) {
      return -1;
    }
    try {
      int n;
      while (before > 0) {
        n = in().read(into, offset, (int) Math.min(length, before));
        if (n < 0) {
          return -1;
        }
        arrived.addAndGet(n);
        before -= n;
      }
      n = in().read(into, offset, (int) Math.min(length, left));
      arrived.addAndGet(Math.max(0, n));
      left -= Math.max(0, n);
      return n;
    } catch (IOException e) {
      throw HubHttp.unreachable(who, host, e);
    }
  }

  /** All bytes of a small file. */
  public byte[] readAll(HubFile file) throws InterruptedException {
    return readAll(file.path(), (int) file.size());
  }

  /**
   * All bytes of a small range.
   *
   * @param path of the file, for messages
   */
  public byte[] readAll(String path, int length) throws InterruptedException {
    var bytes = new byte[length];
    for (int at = 0, n; at < bytes.length; at += n) {
      n = read(bytes, at, bytes.length - at);
      if (n < 0) {
        throw new HubException.Unreachable(
            who, host, "%s ended after %d of %d bytes".formatted(path, at, bytes.length), null);
      }
    }
    return bytes;
  }

  /**
   * Goes on to another range, where the host sends the whole file.
   *
   * @param skip bytes between the last one that was read and the first one that is wanted
   * @param length of the range
   */
  public void goOn(long skip, long length) {
    before = skip;
    left = length;
  }

  /** All bytes that have come, those before the range included; from any thread. */
  public long arrived() {
    return arrived.get();
  }

  /** The host that the bytes come from, after all redirects. */
  public String host() {
    return host;
  }

  /** Whether the host sends the whole file whatever range is asked for: one connection is best. */
  public boolean isRangeIgnored() {
    return rangeIgnored;
  }

  /** How many bytes the whole file has, when the host says so. */
  public OptionalLong total() {
    return total;
  }

  /** Breaks the connection, from any thread: a read that waits fails. */
  public void cancel() {
    call.cancel();
  }

  private InputStream in() {
    return response.body().byteStream();
  }

  @Override
  public void close() {
    response.close();
  }
}
