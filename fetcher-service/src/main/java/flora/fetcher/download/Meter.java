package flora.fetcher.download;

import flora.schemas.fetch.FetchEvent.SourceShare;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.ToIntFunction;

/** Counts bytes that many threads move, and how fast; asked by one thread. */
final class Meter {

  private record Sample(long nanos, long received, Map<String, Long> bySource) {}

  private static final long WINDOW_NANOS = 5_000_000_000L;

  private final LongAdder done = new LongAdder();
  private final Map<String, LongAdder> received = new ConcurrentHashMap<>();
  private final Deque<Sample> samples = new ArrayDeque<>();

  /** So much more lies in the store, or less when bytes came for nothing. */
  void present(long bytes) {
    done.add(bytes);
  }

  /** Bytes that came in. */
  void moved(String source, long bytes) {
    if (bytes > 0) {
      done.add(bytes);
      shown(source, bytes);
    }
  }

  /** Bytes that came in and are of no further use. */
  void shown(String source, long bytes) {
    if (bytes > 0) {
      received.computeIfAbsent(source, _ -> new LongAdder()).add(bytes);
    }
  }

  /** Bytes that lie in the store or are on their way through. */
  long done() {
    return done.sum();
  }

  /** Remembers where it stands now. */
  void sample(long now) {
    var bySource = new HashMap<String, Long>();
    received.forEach((name, bytes) -> bySource.put(name, bytes.sum()));
    long sum = bySource.values().stream().mapToLong(Long::longValue).sum();
    samples.addLast(new Sample(now, sum, bySource));
    while (samples.size() > 2 && now - samples.getFirst().nanos() > WINDOW_NANOS) {
      samples.removeFirst();
    }
  }

  /** Over the last five seconds. */
  long bytesPerSecond() {
    return samples.isEmpty()
        ? 0
        : perSecond(samples.getLast().received() - samples.getFirst().received());
  }

  /** Whether the samples reach back far enough for a rate that deserves the name. */
  boolean isSustained() {
    return !samples.isEmpty()
        && samples.getLast().nanos() - samples.getFirst().nanos() > WINDOW_NANOS / 5;
  }

  /** What each source gives. */
  List<SourceShare> shares(ToIntFunction<String> connections) {
    var shares = new ArrayList<SourceShare>();
    if (!samples.isEmpty()) {
      var before = samples.getFirst().bySource();
      new TreeMap<>(samples.getLast().bySource())
          .forEach(
              (name, bytes) ->
                  shares.add(
                      new SourceShare(
                          name,
                          bytes,
                          perSecond(bytes - before.getOrDefault(name, 0L)),
                          connections.applyAsInt(name))));
    }
    return shares;
  }

  private long perSecond(long bytes) {
    long nanos = samples.getLast().nanos() - samples.getFirst().nanos();
    return nanos == 0 ? 0 : Math.round(1e9 * bytes / nanos);
  }
}
