package flora.fetcher.download;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.atomic.LongAdder;

/** Counts bytes that many threads move, and how fast; asked by one thread. */
public final class Meter {

  private record Sample(long nanos, long received) {}

  private static final long WINDOW_NANOS = 5_000_000_000L;

  private final LongAdder done = new LongAdder();
  private final LongAdder received = new LongAdder();
  private final Deque<Sample> samples = new ArrayDeque<>();

  /** Bytes that were there already. */
  void present(long bytes) {
    done.add(bytes);
  }

  /** Bytes that came in. */
  void moved(long bytes) {
    done.add(bytes);
    received.add(bytes);
  }

  /** Bytes that came in for nothing. */
  void lost(long bytes) {
    done.add(-bytes);
  }

  /** Bytes that lie in the store or are on their way through. */
  public long done() {
    return done.sum();
  }

  /** Over the last five seconds. */
  public long bytesPerSecond(long nanoTime) {
    long sum = received.sum();
    samples.addLast(new Sample(nanoTime, sum));
    while (samples.size() > 2 && nanoTime - samples.getFirst().nanos() > WINDOW_NANOS) {
      samples.removeFirst();
    }
    var first = samples.getFirst();
    long nanos = nanoTime - first.nanos();
    return nanos == 0 ? 0 : Math.round(1e9 * (sum - first.received()) / nanos);
  }
}
