package flora.fetcher.download;

import flora.hub.HubException;
import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;

/**
 * The connections to one source, over all files. It begins with a few and doubles them every tenth
 * of a second, up to what the source allows. A source that says "too often" gets half of them, and
 * one whose connections are fast has nothing to gain blindly, since each costs processor time: from
 * then on doubling is a trial. Where twice as many do not bring clearly more the link is full, and
 * it goes back for some seconds.
 */
final class Lane {

  private static final int FIRST = 2;
  private static final int MOST = 64;

  /** Bytes a second of a connection that neither distance nor a limit of the host holds up. */
  private static final long FAST = 64 << 20;

  private static final double CLEARLY_MORE = 1.08;
  private static final long PLATEAU_NANOS = Duration.ofSeconds(3).toNanos();
  private static final long SETTLE_NANOS = Duration.ofMillis(400).toNanos();
  private static final Duration REST = Duration.ofSeconds(1);
  private static final Duration LONGEST_REST = Duration.ofMinutes(1);

  final String name;
  private final LongAdder brought = new LongAdder();
  private int most;
  private int limit;
  private int threads;
  private int busy;
  private long lastBytes;
  private long lastTick;
  private double rate;
  private double rateBefore;
  private long judgeAt;
  private boolean isNew = true;
  private long noGrowthBefore = System.nanoTime();
  private long notBefore = System.nanoTime();
  private boolean isFull;

  /** The best rate that was seen with so many connections at work. */
  private final double[] best;

  private double perConnection;
  private double latency = 0.05;

  Lane(String name, int most) {
    this.name = name;
    this.most = most;
    this.best = new double[MOST + 1];
    this.limit = Math.min(FIRST, most);
    this.lastTick = System.nanoTime();
  }

  void brought(long bytes) {
    brought.add(bytes);
  }

  long total() {
    return brought.sum();
  }

  synchronized void allow(int connections) {
    most = connections;
    limit = Math.min(limit, most);
  }

  /** Whether one more thread should come; counts it. */
  synchronized boolean hire() {
    if (threads >= limit) {
      return false;
    }
    threads++;
    return true;
  }

  /** Whether a thread should go; counts it. */
  synchronized boolean leaves(boolean hasWork) {
    if (hasWork && threads <= limit) {
      return false;
    }
    threads--;
    return true;
  }

  /** A thread has gone without being told to. */
  synchronized void gone() {
    threads--;
  }

  synchronized boolean mayAsk(long now) {
    return now - notBefore >= 0;
  }

  synchronized void started() {
    busy++;
  }

  synchronized void ended(Fetch fetch, long now) {
    busy--;
    double speed = fetch.speed(now);
    if (speed > 0 && fetch.bytes() > 64 << 10) {
      perConnection = perConnection == 0 ? speed : 0.7 * perConnection + 0.3 * speed;
    }
  }

  /** Bytes a second that one more connection may be expected to bring; 0 when nobody knows. */
  synchronized double perConnection() {
    return perConnection;
  }

  /** Seconds from a request to its first byte. */
  synchronized double latency() {
    return latency;
  }

  synchronized void answered(double seconds) {
    latency = 0.7 * latency + 0.3 * seconds;
  }

  /** No more than some seconds of work, so that a slow source does not hold up the others. */
  synchronized long sliceSize(boolean isAlone) {
    if (isAlone) {
      return DownloadSettings.PART;
    }
    if (perConnection == 0) {
      return 2 << 20;
    }
    return Math.clamp((long) (2 * perConnection), 512 << 10, DownloadSettings.PART);
  }

  synchronized void failed(HubException e) {
    long now = System.nanoTime();
    if (e instanceof HubException.RateLimited limited) {
      if (now - notBefore >= 0) {
        limit = Math.max(1, limit / 2);
      }
      isNew = false;
      rest(limited);
      noGrowthBefore = notBefore + PLATEAU_NANOS;
    }
  }

  /** Asks for nothing until then. Who asks after the longest rest is told how much longer it is. */
  synchronized void rest(HubException.RateLimited limited) {
    var rest = limited.retryAfter().orElse(REST);
    notBefore =
        System.nanoTime() + (rest.compareTo(LONGEST_REST) > 0 ? LONGEST_REST : rest).toNanos();
  }

  /** Measures, and decides how many connections there should be; called every tenth of a second. */
  synchronized void tick(long now) {
    long bytes = brought.sum();
    double seconds = (now - lastTick) / 1e9;
    if (seconds < 0.02) {
      return;
    }
    double measured = (bytes - lastBytes) / seconds;
    lastBytes = bytes;
    lastTick = now;
    rate = rate == 0 ? measured : 0.6 * rate + 0.4 * measured;
    int at = Math.min(busy, MOST);
    best[at] = Math.max(best[at], rate);
    if (judgeAt != 0 && now - judgeAt >= 0) {
      judgeAt = 0;
      isFull = rate < rateBefore * CLEARLY_MORE;
      if (isFull) {
        limit = Math.max(FIRST, limit / 2);
        noGrowthBefore = now + PLATEAU_NANOS;
      }
    }
    boolean isFast = busy > 0 && measured >= FAST * busy;
    if (isFast && isNew) {
      isNew = false;
      noGrowthBefore = now + SETTLE_NANOS;
    }
    if (isFast && busy < limit) {
      // the rest wait for memory: not the link is what is slow
      limit = Math.max(FIRST, limit / 2);
      noGrowthBefore = now + PLATEAU_NANOS;
    }
    boolean canGrow = limit < most && busy >= limit && measured > 0 && now - noGrowthBefore >= 0;
    if (canGrow && isNew) {
      limit = Math.min(most, limit * 2);
    } else if (canGrow && judgeAt == 0) {
      rateBefore = rate;
      limit = Math.min(most, limit * 2);
      judgeAt = now + SETTLE_NANOS + (long) (2e9 * latency);
    }
    isNew &= limit < most;
  }

  /** Whether half as many connections and fewer have brought as much, or did when it was tried. */
  synchronized boolean isFull() {
    for (int fewer = 1; fewer <= Math.min(busy, MOST) / 2; fewer++) {
      if (best[fewer] * CLEARLY_MORE > rate) {
        return true;
      }
    }
    return isFull;
  }

  synchronized int busy() {
    return busy;
  }
}
