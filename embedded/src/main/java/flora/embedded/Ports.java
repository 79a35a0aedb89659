package flora.embedded;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;

/** Ports of this machine. */
final class Ports {

  private Ports() {}

  /** The port itself when it can be bound, a free one for 0. */
  static int claim(String host, int port) throws IOException {
    try (var socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
      return socket.getLocalPort();
    } catch (java.net.BindException e) {
      throw new PortInUseException(host, port, e);
    }
  }

  /** The preferred port when it is free, another otherwise. */
  static int prefer(String host, int port) throws IOException {
    try {
      return claim(host, port);
    } catch (PortInUseException e) {
      return claim(host, 0);
    }
  }
}
