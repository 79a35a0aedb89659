package flora.hub;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import javax.net.SocketFactory;
import org.jspecify.annotations.Nullable;

/**
 * Sockets that are read by as much as has come. The HTTP client takes 8 KiB at a time; on a fast
 * link going to the system for each of them costs more than receiving them.
 */
final class WideSockets extends SocketFactory {

  /** What Java takes from a socket at most. */
  private static final int WIDTH = 128 << 10;

  private static final class Wide extends Socket {
    private @Nullable InputStream in;

    @Override
    public synchronized InputStream getInputStream() throws IOException {
      if (in == null) {
        in = new BufferedInputStream(super.getInputStream(), WIDTH);
      }
      return in;
    }
  }

  @Override
  public Socket createSocket() {
    return new Wide();
  }

  @Override
  public Socket createSocket(String host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(String host, int port, InetAddress local, int localPort)
      throws IOException {
    return connected(new InetSocketAddress(host, port), new InetSocketAddress(local, localPort));
  }

  @Override
  public Socket createSocket(InetAddress host, int port) throws IOException {
    return connected(new InetSocketAddress(host, port), null);
  }

  @Override
  public Socket createSocket(InetAddress host, int port, InetAddress local, int localPort)
      throws IOException {
    return connected(new InetSocketAddress(host, port), new InetSocketAddress(local, localPort));
  }

  private static Socket connected(InetSocketAddress host, @Nullable InetSocketAddress local)
      throws IOException {
    var socket = new Wide();
    socket.bind(local);
    socket.connect(host);
    return socket;
  }
}
