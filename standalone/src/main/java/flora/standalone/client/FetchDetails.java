package flora.standalone.client;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.fetch.FetchEvent;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

/** What the record of a run does not say of its download: who gives how much, what holds it up. */
final class FetchDetails implements AutoCloseable {

  private final @Nullable Thread listener;
  private volatile FetchEvent.@Nullable Progressed last;

  private FetchDetails(@Nullable GatewayClient client, @Nullable RunId id) {
    listener =
        client == null || id == null
            ? null
            : Thread.ofVirtual().name("fetch-details").start(() -> listen(client, id));
  }

  /** Listens to a run until closed. */
  static FetchDetails of(GatewayClient client, RunId id) {
    return new FetchDetails(client, id);
  }

  /** Knows nothing. */
  static FetchDetails none() {
    return new FetchDetails(null, null);
  }

  private void listen(GatewayClient client, RunId id) {
    try {
      client.events(id, true, this::take);
    } catch (InterruptedException | GatewayClient.ServerGone | GatewayClient.Refused e) {
      // the bar goes on without
    }
  }

  private void take(String line) {
    if (line.startsWith("data:") && line.contains("\"progressed\"")) {
      try {
        var event = Json.mapper().readValue(line.substring("data:".length()), FetchEvent.class);
        if (event instanceof FetchEvent.Progressed progressed) {
          last = progressed;
        }
      } catch (JacksonException e) {
        // another stage's progress
      }
    }
  }

  /** Lines to show below the stage's own. */
  List<String> lines() {
    var known = last;
    return known == null ? List.of() : lines(known);
  }

  /** One line for each source, and one for the whole. */
  static List<String> lines(FetchEvent.Progressed progress) {
    var lines = new ArrayList<String>();
    long sum =
        Math.max(1, progress.sources().stream().mapToLong(FetchEvent.SourceShare::bytes).sum());
    for (var source : progress.sources()) {
      lines.add(
          "         %-24s %3d %%  %s/s over %d connection%s"
              .formatted(
                  source.name(),
                  Math.round(100.0 * source.bytes() / sum),
                  StageLine.bytes(source.bytesPerSecond()),
                  source.connections(),
                  source.connections() == 1 ? "" : "s"));
    }
    var whole = new ArrayList<String>();
    if (progress.linkBytesPerSecond() > 0) {
      long percent = Math.min(100, 100 * progress.bytesPerSecond() / progress.linkBytesPerSecond());
      whole.add(percent + " % of the link");
    }
    if (progress.bottleneck() != null) {
      whole.add("held up by the " + progress.bottleneck().name().toLowerCase(Locale.ROOT));
    }
    if (!whole.isEmpty()) {
      lines.add("         " + String.join(", ", whole));
    }
    return lines;
  }

  @Override
  public void close() {
    if (listener != null) {
      listener.interrupt();
    }
  }
}
