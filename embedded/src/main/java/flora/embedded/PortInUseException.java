package flora.embedded;

import java.io.IOException;

/** The port that was asked for cannot be bound. */
public final class PortInUseException extends IOException {
  PortInUseException(String host, int port, Throwable cause) {
    super(
        "cannot listen on " + host + ":" + port + ": choose another port, or 0 for a free one",
        cause);
  }
}
