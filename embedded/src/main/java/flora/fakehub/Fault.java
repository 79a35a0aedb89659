package flora.fakehub;

import java.time.Duration;
import java.util.Map;

/** A way in which a hub, or what stands between, lets its client down. */
public sealed interface Fault {

  /**
   * An answer with this status and no content.
   *
   * @param code the status
   * @param headers of the answer, such as {@code Retry-After}
   */
  record Status(int code, Map<String, String> headers) implements Fault {
    public Status {
      headers = Map.copyOf(headers);
    }

    /** Without headers. */
    public Status(int code) {
      this(code, Map.of());
    }
  }

  /** The connection breaks after so many bytes of the body. */
  record Cut(long afterBytes) implements Fault {}

  /** After so many bytes of the body nothing more comes for a while; then the connection breaks. */
  record Stall(long afterBytes, Duration time) implements Fault {}

  /** The byte at this offset of the file is another one. */
  record WrongByte(long at) implements Fault {}

  /** So many bytes are missing at the end, and Content-Length agrees. */
  record Shortened(long missingBytes) implements Fault {}

  /** A page for people, with status 200, where the file should be. */
  record Html() implements Fault {}

  /** No Content-Length, ETag, Accept-Ranges nor any X- header; ranges are ignored. */
  record BareHeaders() implements Fault {}

  /** So many bytes a second on each connection. */
  record Slow(long bytesPerSecond) implements Fault {}
}
