package flora.fakehub;

import java.io.EOFException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** One client's TCP connection: requests come in one after the other, and bytes leave paced. */
final class Connection implements AutoCloseable {

  private static final int LONGEST_HEAD = 64 << 10;

  /** A request's first line and headers; the names' case does not matter. */
  record Head(String method, URI uri, Map<String, String> headers) {}

  private final int number;
  private final SocketChannel channel;
  private final Supplier<Throttle> throttle;
  private final Supplier<Pace> links;
  private Pace link = new Pace(Long.MAX_VALUE);
  private final ByteBuffer in = ByteBuffer.allocate(LONGEST_HEAD).flip();
  private Throttle paced = Throttle.NONE;
  private Pace own = new Pace(Long.MAX_VALUE);

  Connection(int number, SocketChannel channel, Supplier<Throttle> throttle, Supplier<Pace> links)
      throws IOException {
    this.number = number;
    this.channel = channel;
    this.throttle = throttle;
    this.links = links;
    channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
  }

  /** Counts the hub's connections from 1. */
  int number() {
    return number;
  }

  /** The next request, or null when the client has hung up. */
  @Nullable Head read() throws IOException {
    int end;
    while ((end = endOfHead()) < 0) {
      if (in.remaining() == LONGEST_HEAD) {
        throw new IOException("a request's headers are longer than " + LONGEST_HEAD + " bytes");
      }
      in.compact();
      int n = channel.read(in);
      in.flip();
      if (n < 0) {
        return null;
      }
    }
    var lines =
        new String(in.array(), in.position(), end - in.position(), StandardCharsets.ISO_8859_1)
            .split("\r\n");
    in.position(end + 4);
    var first = lines[0].split(" ");
    var headers = new TreeMap<String, String>(String.CASE_INSENSITIVE_ORDER);
    for (int i = 1; i < lines.length; i++) {
      int colon = lines[i].indexOf(':');
      if (colon > 0) {
        headers.put(lines[i].substring(0, colon).strip(), lines[i].substring(colon + 1).strip());
      }
    }
    skip(Long.parseLong(headers.getOrDefault("Content-Length", "0")));
    try {
      if (first.length != 3) {
        throw new IOException("not HTTP: " + lines[0]);
      }
      return new Head(first[0], new URI(first[1]), headers);
    } catch (URISyntaxException e) {
      throw new IOException("not a URI: " + first[1], e);
    }
  }

  private int endOfHead() {
    for (int i = in.position(); i + 3 < in.limit(); i++) {
      if (in.get(i) == '\r' && in.get(i + 1) == '\n' && in.get(i + 2) == '\r') {
        return i;
      }
    }
    return -1;
  }

  private void skip(long body) throws IOException {
    for (long left = body; left > 0; ) {
      if (!in.hasRemaining()) {
        in.clear();
        int n = channel.read(in);
        in.flip();
        if (n < 0) {
          throw new EOFException("a request's body ended early");
        }
      }
      int n = (int) Math.min(left, in.remaining());
      in.position(in.position() + n);
      left -= n;
    }
  }

  /** An answer begins after the line's latency. */
  void begin() throws IOException {
    var now = throttle.get();
    if (!now.equals(paced)) {
      paced = now;
      own = new Pace(now.connection());
    }
    if (!now.latency().isZero()) {
      Pace.sleep(now.latency());
    }
    link = links.get();
    own.begin();
  }

  /** How many bytes to hand to {@link #pace} at once. */
  long piece() {
    return Math.min(own.piece(), link.piece());
  }

  /** Waits until so many bytes may leave. */
  void pace(long bytes) throws IOException {
    Pace.await(Math.max(own.take(bytes), link.take(bytes)));
  }

  /** Sends bytes now, all of them. */
  void write(ByteBuffer... bytes) throws IOException {
    for (var last = bytes[bytes.length - 1]; last.hasRemaining(); ) {
      channel.write(bytes);
    }
  }

  /** Does nothing for a while, or until the client hangs up. */
  void stall(Duration time) throws IOException {
    var socket = channel.socket();
    socket.setSoTimeout(Math.clamp(time.toMillis(), 1, Integer.MAX_VALUE));
    try {
      if (socket.getInputStream().read() < 0) {
        throw new EOFException("the client did not wait");
      }
    } catch (SocketTimeoutException e) {
      socket.setSoTimeout(0);
    }
  }

  SocketChannel channel() {
    return channel;
  }

  @Override
  public void close() throws IOException {
    channel.close();
  }
}
