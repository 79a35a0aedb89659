package flora.fetcher.hub;

import java.io.IOException;
import java.io.InputStream;
import java.util.OptionalLong;
import okhttp3.Response;

/** The bytes of a file from an offset on, as they come from a host. */
public final class FileStream implements AutoCloseable {

  private final Response response;
  private final String host;
  private final OptionalLong total;

  FileStream(Response response, OptionalLong total) {
    this.response = response;
    this.host = response.request().url().host();
    this.total = total;
  }

  /**
   * Reads some bytes; -1 at the end.
   *
   * @throws HubException.Unreachable when the connection breaks or stays silent
   */
  public int read(byte[] into, int offset, int length) throws InterruptedException {
    try {
      return in().read(into, offset, length);
    } catch (IOException e) {
      throw HubHttp.unreachable(host, e);
    }
  }

  /** Drops bytes that are known already. */
  void skip(long bytes) throws InterruptedException {
    try {
      in().skipNBytes(bytes);
    } catch (IOException e) {
      throw HubHttp.unreachable(host, e);
    }
  }

  /** The host that the bytes come from, after all redirects. */
  public String host() {
    return host;
  }

  /** How many bytes the whole file has, when the host says so. */
  public OptionalLong total() {
    return total;
  }

  private InputStream in() {
    return response.body().byteStream();
  }

  @Override
  public void close() {
    response.close();
  }
}
