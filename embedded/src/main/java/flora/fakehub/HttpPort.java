package flora.fakehub;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * HTTP/1.1 on a port of the loopback interface: a virtual thread for each connection, keep-alive,
 * and files go out by the kernel's own copy.
 */
final class HttpPort implements AutoCloseable {

  /** Answers a request. An answer that is not complete when it returns breaks the connection. */
  interface Handler {
    void handle(Exchange exchange) throws IOException;
  }

  /** Wraps an accepted socket. */
  interface Greeter {
    Connection greet(SocketChannel channel) throws IOException;
  }

  private final InetSocketAddress address;
  private final Greeter greeter;
  private final Handler handler;
  private final Set<Connection> open = ConcurrentHashMap.newKeySet();
  private final AtomicInteger most = new AtomicInteger();
  private volatile ServerSocketChannel server;

  HttpPort(int port, Greeter greeter, Handler handler) throws IOException {
    this.greeter = greeter;
    this.handler = handler;
    server = bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    address = (InetSocketAddress) server.getLocalAddress();
  }

  int port() {
    return address.getPort();
  }

  /** The largest number of connections that were open at the same time since the last reset. */
  int most() {
    return most.get();
  }

  int open() {
    return open.size();
  }

  void resetMost() {
    most.set(open.size());
  }

  /** Nobody listens any more: the next connection is refused and those that are open break. */
  void refuse() throws IOException {
    server.close();
    for (var connection : open) {
      connection.close();
    }
  }

  /** Listens again on the same port. */
  void accept() throws IOException {
    if (!server.isOpen()) {
      server = bind(address);
    }
  }

  @Override
  public void close() {
    try {
      refuse();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException("port " + port() + " could not be closed", e);
    }
  }

  private ServerSocketChannel bind(InetSocketAddress on) throws IOException {
    var listening = ServerSocketChannel.open();
    try {
      listening.bind(on, 512);
    } catch (IOException e) {
      listening.close();
      throw e;
    }
    Thread.ofVirtual().name("fakehub-accept").start(() -> acceptAll(listening));
    return listening;
  }

  private void acceptAll(ServerSocketChannel listening) {
    while (listening.isOpen()) {
      try {
        var connection = greeter.greet(listening.accept());
        open.add(connection);
        most.accumulateAndGet(open.size(), Math::max);
        if (!listening.isOpen()) {
          connection.close();
        }
        Thread.ofVirtual().name("fakehub-" + connection.number()).start(() -> converse(connection));
      } catch (ClosedChannelException e) {
        return; // closed while it waited
      } catch (IOException e) {
        // one client's socket was bad; the next one's need not be
      }
    }
  }

  private void converse(Connection connection) {
    try (connection) {
      for (Connection.Head head; (head = connection.read()) != null; ) {
        var exchange = new Exchange(connection, head);
        handler.handle(exchange);
        if (!exchange.isComplete()
            || "close".equalsIgnoreCase(exchange.header("Connection"))
            || "close".equalsIgnoreCase(exchange.answerHeaders().get("Connection"))) {
          return;
        }
      }
    } catch (IOException e) {
      // the client has gone, or the hub was told to break here
    } finally {
      open.remove(connection);
    }
  }
}
