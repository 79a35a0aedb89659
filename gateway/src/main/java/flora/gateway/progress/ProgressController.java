package flora.gateway.progress;

import flora.gateway.GatewayProperties;
import flora.gateway.bus.KafkaClients;
import flora.gateway.error.Refusal;
import flora.gateway.run.Runs;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.concurrent.Semaphore;
import org.jspecify.annotations.Nullable;
import org.springframework.context.SmartLifecycle;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

/** {@code /v1/runs/{id}/events}: everything that happened to a run, then what happens. */
@RestController
final class ProgressController implements SmartLifecycle {

  private final Runs runs;
  private final KafkaClients clients;
  private final GatewayProperties properties;
  private final Semaphore streams;
  private volatile boolean running;

  ProgressController(Runs runs, KafkaClients clients, GatewayProperties properties) {
    this.runs = runs;
    this.clients = clients;
    this.properties = properties;
    streams = new Semaphore(properties.maxStreams());
  }

  @GetMapping("/v1/runs/{id}/events")
  void events(
      @PathVariable String id,
      @RequestParam(name = "follow", defaultValue = "true") String following,
      @RequestHeader(name = "Last-Event-ID", required = false) @Nullable String last,
      HttpServletResponse response)
      throws IOException {
    var run = runs.get(id);
    var follow = asks(following);
    if (!streams.tryAcquire()) {
      throw new Refusal.TooManyStreams(properties.maxStreams());
    }
    try (var events = new RunEvents(clients, run)) {
      response.setContentType("text/event-stream;charset=UTF-8");
      response.setHeader("Cache-Control", "no-cache");
      response.setHeader("X-Accel-Buffering", "no");
      var stream = new EventStream(response.getOutputStream(), properties.heartbeat());
      stream.open();
      for (var event : events.replay(last)) {
        stream.send(event);
      }
      // asked again: it may have ended while its events were read
      while (follow && running && !events.isOver()) {
        for (var event : events.next()) {
          stream.send(event);
        }
        stream.beat();
      }
    } finally {
      streams.release();
    }
  }

  private static boolean asks(String following) {
    return switch (following) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw new Refusal.Invalid("follow", "follow is neither true nor false", null);
    };
  }

  @Override
  public void start() {
    running = true;
  }

  /** Open streams end before the web server waits for them. */
  @Override
  public void stop() {
    running = false;
  }

  @Override
  public boolean isRunning() {
    return running;
  }
}
