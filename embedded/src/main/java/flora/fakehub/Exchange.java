package flora.fakehub;

import java.io.IOException;
import java.net.URI;
import java.net.URLDecoder;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** A request and the answer to it. */
final class Exchange {

  /** Length of a body that comes in chunks and ends when it ends. */
  static final long CHUNKED = -1;

  private final Connection connection;
  private final Connection.Head head;
  private final Map<String, String> answer = new TreeMap<>(String.CASE_INSENSITIVE_ORDER);
  private long left;
  private boolean chunked;
  private boolean begun;
  private boolean complete;
  private @Nullable ByteBuffer heldBack;

  Exchange(Connection connection, Connection.Head head) {
    this.connection = connection;
    this.head = head;
  }

  String method() {
    return head.method();
  }

  boolean isHead() {
    return head.method().equals("HEAD");
  }

  URI uri() {
    return head.uri();
  }

  @Nullable String header(String name) {
    return head.headers().get(name);
  }

  /** The parameters of the request's query, decoded, in their order. */
  Map<String, String> query() {
    var query = new LinkedHashMap<String, String>();
    var raw = uri().getRawQuery();
    if (raw != null) {
      for (var pair : raw.split("&")) {
        int equals = pair.indexOf('=');
        if (equals > 0) {
          query.put(
              pair.substring(0, equals),
              URLDecoder.decode(pair.substring(equals + 1), StandardCharsets.UTF_8));
        }
      }
    }
    return query;
  }

  /** What the answer's headers will be; of no use any more once it has begun. */
  Map<String, String> answerHeaders() {
    return answer;
  }

  Connection connection() {
    return connection;
  }

  /** Whether the whole answer was sent, so that another request may follow on the connection. */
  boolean isComplete() {
    return complete;
  }

  /** Sends an answer without a body; a Content-Length that was set stays, as for HEAD. */
  void send(int status) throws IOException {
    connection.begin();
    answer.putIfAbsent("Content-Length", "0");
    connection.write(head(status));
    complete = true;
  }

  /** Sends a whole answer; for HEAD all but the body. */
  void send(int status, byte[] body) throws IOException {
    if (isHead()) {
      answer.put("Content-Length", Integer.toString(body.length));
      send(status);
      return;
    }
    begin(status, body.length);
    if (body.length == 0) {
      finish();
    } else {
      body(ByteBuffer.wrap(body));
    }
  }

  /** Begins an answer with a body of this length, or {@link #CHUNKED}. */
  void begin(int status, long length) throws IOException {
    begun = true;
    chunked = length == CHUNKED;
    left = length;
    if (chunked) {
      answer.put("Transfer-Encoding", "chunked");
    } else {
      answer.put("Content-Length", Long.toString(length));
    }
    connection.begin();
    heldBack = head(status); // leaves with the body's first bytes: one packet, not two
  }

  /** Sends bytes of the body, at most as many as the length that was promised. */
  void body(ByteBuffer bytes) throws IOException {
    int n = bytes.remaining();
    var first = heldBack == null ? ByteBuffer.allocate(0) : heldBack;
    heldBack = null;
    if (chunked) {
      connection.write(first, ascii(Integer.toHexString(n) + "\r\n"), bytes, ascii("\r\n"));
    } else {
      connection.write(first, bytes);
      left -= n;
      complete = left == 0;
    }
  }

  /** Sends bytes of a file without copying them through this process where that can be. */
  void body(Blob.Reader from, long at, long count) throws IOException {
    flush();
    if (chunked) {
      connection.write(ascii(Long.toHexString(count) + "\r\n"));
    }
    from.copy(at, count, connection.channel());
    if (chunked) {
      connection.write(ascii("\r\n"));
    } else {
      left -= count;
      complete = left == 0;
    }
  }

  /** Sends what was held back. */
  void flush() throws IOException {
    if (heldBack != null) {
      connection.write(heldBack);
      heldBack = null;
    }
  }

  /** The body ends here. With less than the promised length the connection breaks. */
  void finish() throws IOException {
    flush();
    if (chunked) {
      connection.write(ascii("0\r\n\r\n"));
    }
    complete = begun && (chunked || left == 0);
  }

  private ByteBuffer head(int status) {
    var text = new StringBuilder("HTTP/1.1 " + status + " " + reason(status) + "\r\n");
    answer.forEach((name, value) -> text.append(name).append(": ").append(value).append("\r\n"));
    return ByteBuffer.wrap(text.append("\r\n").toString().getBytes(StandardCharsets.ISO_8859_1));
  }

  private static String reason(int status) {
    return switch (status) {
      case 200 -> "OK";
      case 206 -> "Partial Content";
      case 301, 302, 307, 308 -> "Redirect";
      case 401 -> "Unauthorized";
      case 403 -> "Forbidden";
      case 404 -> "Not Found";
      case 416 -> "Range Not Satisfiable";
      case 429 -> "Too Many Requests";
      default -> status < 500 ? "Other" : "Server Error";
    };
  }

  private static ByteBuffer ascii(String text) {
    return ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII));
  }
}
