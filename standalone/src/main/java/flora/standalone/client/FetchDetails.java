package flora.standalone.client;

import flora.schemas.RunId;
import flora.schemas.fetch.FetchEvent;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What the record of a run does not say of its download: who gives how much, what holds it up, and
 * what happened on the way that somebody should know.
 */
final class FetchDetails implements AutoCloseable {

  private static final String INDENT = " ".repeat(9);

  private final @Nullable Thread listener;
  private final Queue<String> notices = new ConcurrentLinkedQueue<>();

  /** Pairs of places between which files went over: said once, not for each of a thousand files. */
  private final Set<String> switches = new HashSet<>();

  private volatile FetchEvent.@Nullable Progressed last;

  private FetchDetails(@Nullable GatewayClient client, @Nullable RunId id) {
    listener =
        client == null || id == null
            ? null
            : Thread.ofVirtual().name("fetch-details").start(() -> listen(client, id));
  }

  /** Listens to a run until it ends, or until closed. */
  static FetchDetails of(GatewayClient client, RunId id) {
    return new FetchDetails(client, id);
  }

  /** Knows nothing. */
  static FetchDetails none() {
    return new FetchDetails(null, null);
  }

  private void listen(GatewayClient client, RunId id) {
    try {
      client.fetchEvents(id, true, this::take);
    } catch (InterruptedException | GatewayClient.ServerGone | GatewayClient.Refused e) {
      // the bar goes on without
    }
  }

  private void take(FetchEvent event) {
    if (event instanceof FetchEvent.Progressed progressed) {
      var before = last;
      if (before != null) {
        setback(before, progressed).ifPresent(notices::add);
      }
      last = progressed;
    }
    boolean isRepeated =
        event instanceof FetchEvent.MirrorSwitched(_, _, _, _, _, _, var from, var to, _)
            && !switches.add(from + " " + to);
    if (!isRepeated) {
      notice(event).ifPresent(notices::add);
    }
  }

  /** What has happened since this was last asked, in lines. */
  List<String> notices() {
    var lines = new ArrayList<String>();
    for (String line; (line = notices.poll()) != null; ) {
      lines.add(line);
    }
    return lines;
  }

  /** Waits until everything is heard that an ended run has said. */
  void await() throws InterruptedException {
    if (listener != null) {
      listener.join(Duration.ofSeconds(2));
    }
  }

  /** An event that the bars and the record of the run do not show. */
  static Optional<String> notice(FetchEvent event) {
    return switch (event) {
      case FetchEvent.MirrorSwitched e ->
          Optional.of(
              "%s gives no more of %s, %s does: %s"
                  .formatted(e.from(), e.path(), e.to(), e.reason()));
      case FetchEvent.ChecksumMismatched e ->
          Optional.of(
              "%s gave wrong bytes of %s (%s, expected %s): they are fetched again"
                  .formatted(e.source(), e.path(), brief(e.received()), brief(e.expected())));
      case FetchEvent.UpstreamMoved e ->
          Optional.of(
              "%s of %s has moved since it was last fetched: from %.12s to %.12s"
                  .formatted(e.revision(), e.repo(), e.fromCommit(), e.toCommit()));
      // a renamed repository is among the warnings, a pause in the stage's own line
      case FetchEvent.RepositoryRenamed _,
          FetchEvent.Started _,
          FetchEvent.Progressed _,
          FetchEvent.FileVerified _,
          FetchEvent.Paused _,
          FetchEvent.Resumed _,
          FetchEvent.Completed _,
          FetchEvent.Failed _,
          FetchEvent.Cancelled _ ->
          Optional.empty();
    };
  }

  private static String brief(String digest) {
    return digest.replaceAll("\\b([0-9a-f]{12})[0-9a-f]{20,}", "$1…");
  }

  /** Why a bar goes back as far as one can see; who gave wrong bytes is an event of its own. */
  static Optional<String> setback(FetchEvent.Progressed before, FetchEvent.Progressed now) {
    long lost = before.done() - now.done();
    if (lost <= 0 || lost < now.total() / 100) {
      return Optional.empty();
    }
    return Optional.of(
        before.attempt() == now.attempt()
            ? "%s of what had come in cannot be used and is fetched again"
                .formatted(StageLine.bytes(lost))
            : "the fetch was interrupted before the last %s were stored: they are fetched again"
                .formatted(StageLine.bytes(lost)));
  }

  /** Lines to show below the stage's own. */
  List<String> lines() {
    var known = last;
    return known == null ? List.of() : lines(known);
  }

  /** The same as the end of one line. */
  String summary() {
    var known = last;
    return known == null ? "" : summary(known);
  }

  /** One line for each source, and one for the whole. */
  static List<String> lines(FetchEvent.Progressed progress) {
    var lines = new ArrayList<String>();
    for (var source : progress.sources()) {
      lines.add(
          INDENT
              + "%-24s %3d %%  %s/s over %d connection%s"
                  .formatted(
                      source.name(),
                      percent(source, progress),
                      StageLine.bytes(source.bytesPerSecond()),
                      source.connections(),
                      source.connections() == 1 ? "" : "s"));
    }
    var whole = whole(progress);
    if (!whole.isEmpty()) {
      lines.add(INDENT + whole);
    }
    return lines;
  }

  /** {@code (hub 75 %, near 25 %; 90 % of the link, held up by the source)}. */
  static String summary(FetchEvent.Progressed progress) {
    var shares =
        progress.sources().stream()
            .filter(source -> source.bytes() > 0)
            .map(source -> "%s %d %%".formatted(source.name(), percent(source, progress)))
            .collect(Collectors.joining(", "));
    var whole = whole(progress);
    var text = shares.isEmpty() || whole.isEmpty() ? shares + whole : shares + "; " + whole;
    return text.isEmpty() ? "" : "  (" + text + ")";
  }

  private static long percent(FetchEvent.SourceShare source, FetchEvent.Progressed progress) {
    long sum = progress.sources().stream().mapToLong(FetchEvent.SourceShare::bytes).sum();
    return Math.round(100.0 * source.bytes() / Math.max(1, sum));
  }

  private static String whole(FetchEvent.Progressed progress) {
    var whole = new ArrayList<String>();
    if (progress.linkBytesPerSecond() > 0) {
      long percent = Math.min(100, 100 * progress.bytesPerSecond() / progress.linkBytesPerSecond());
      whole.add(percent + " % of the link");
    }
    if (progress.bottleneck() != null) {
      whole.add("held up by the " + progress.bottleneck().name().toLowerCase(Locale.ROOT));
    }
    return String.join(", ", whole);
  }

  @Override
  public void close() {
    if (listener != null) {
      listener.interrupt();
    }
  }
}
