package flora.gateway.progress;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;

/**
 * Server-sent events on the wire, https://html.spec.whatwg.org/multipage/server-sent-events.html.
 */
final class EventStream {

  private final OutputStream out;
  private final long heartbeatNanos;
  private long lastWrite;

  EventStream(OutputStream out, Duration heartbeat) {
    this.out = out;
    heartbeatNanos = heartbeat.toNanos();
  }

  /** Tells the client that it is through, before anything has happened. */
  void open() throws IOException {
    write(": open\n\n");
  }

  /** One event; the payload is one line of JSON. */
  void send(RunEvents.Said event) throws IOException {
    write(
        "id: %s\nevent: %s\ndata: %s\n\n"
            .formatted(event.id(), event.name(), event.json().replaceAll("\\R", " ")));
  }

  /** A comment when nothing was said for a while, so that nobody in between hangs up. */
  void beat() throws IOException {
    if (System.nanoTime() - lastWrite > heartbeatNanos) {
      write(": heartbeat\n\n");
    }
  }

  private void write(String text) throws IOException {
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
    lastWrite = System.nanoTime();
  }
}
