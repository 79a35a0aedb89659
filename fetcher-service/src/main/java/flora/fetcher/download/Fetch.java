package flora.fetcher.download;

import flora.hub.FileSource;
import flora.hub.FileStream;
import flora.hub.HubException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** One connection's work on one slice. */
final class Fetch {

  /** How it ended. */
  enum End {
    /** The slice is done, by this connection or another. */
    DONE,
    /** It failed; the slice waits for somebody else. */
    FAILED,
    /** It was told to stop. */
    CANCELLED
  }

  final Lane lane;
  final FileSource source;
  final Slice slice;
  final long startedAt = System.nanoTime();
  private final long from;
  private @Nullable WholeStream whole;
  private boolean goesOn;
  private volatile long bytes;
  private volatile long firstByteAt;
  private long sampledAt = startedAt;
  private long sampled;

  // guarded by this
  private @Nullable FileStream stream;
  private long arrivedBefore;
  private @Nullable Thread thread;
  private boolean cancelled;
  private @Nullable HubException fault;

  /**
   * @param whole an open stream to read on; null for none
   */
  Fetch(Lane lane, FileSource source, Slice slice, @Nullable WholeStream whole) {
    this.whole = whole;
    this.lane = lane;
    this.source = source;
    this.slice = slice;
    this.from = slice.at;
  }

  long bytes() {
    return bytes;
  }

  /** Bytes a second since the first one; 0 while nothing has come. */
  double speed(long now) {
    long first = firstByteAt;
    return first == 0 ? 0 : 1e9 * bytes / Math.max(1_000_000, now - first);
  }

  /** Bytes that have come, those included that lie before the slice: somebody sends. */
  private synchronized long arrived() {
    return stream == null ? 0 : stream.arrived() - arrivedBefore;
  }

  /** The stream, when it may be read on; for the thread that ran this. */
  @Nullable WholeStream rest() {
    return goesOn ? whole : null;
  }

  boolean hasBegun() {
    return arrived() > 0;
  }

  long waited(long now) {
    return now - startedAt;
  }

  /** Whether it has been too slow for a whole window; asked by one thread. */
  boolean isStalled(long now, DownloadSettings settings) {
    long there = arrived();
    if (there == 0) {
      return waited(now) > settings.firstByte().toNanos();
    }
    if (now - sampledAt < settings.stallWindow().toNanos()) {
      return false;
    }
    double speed = 1e9 * (there - sampled) / (now - sampledAt);
    sampledAt = now;
    sampled = there;
    return speed < settings.slowestBytesPerSecond();
  }

  /**
   * Stops it from another thread.
   *
   * @param why a failure of the source, null when it is only not needed any more
   */
  synchronized void cancel(@Nullable HubException why) {
    if (thread == null) {
      return;
    }
    cancelled = true;
    fault = why;
    if (stream != null) {
      stream.cancel();
    } else {
      thread.interrupt();
    }
  }

  End run(byte[] chunk) throws InterruptedException {
    synchronized (this) {
      thread = Thread.currentThread();
    }
    try {
      return fetch(chunk);
    } catch (HubException e) {
      return ended(e);
    } catch (InterruptedException e) {
      if (!isCancelled()) {
        throw e;
      }
      return ended(null);
    } finally {
      synchronized (this) {
        thread = null;
        stream = null;
        if (cancelled) {
          Thread.interrupted();
        }
      }
      long first = firstByteAt;
      if (first != 0) {
        source.moved(bytes, Duration.ofNanos(System.nanoTime() - startedAt));
      }
    }
  }

  private End fetch(byte[] chunk) throws InterruptedException {
    long end = slice.end;
    if (from >= end) {
      goesOn = whole != null;
      return End.DONE;
    }
    var in = connect(end);
    try {
      if (in.isRangeIgnored() && whole == null) {
        return End.CANCELLED;
      }
      synchronized (this) {
        stream = in;
        arrivedBefore = in.arrived();
        if (cancelled) {
          return End.CANCELLED;
        }
      }
      read(in, chunk);
      return End.DONE;
    } finally {
      if (!goesOn) {
        close(in);
      }
    }
  }

  /** The stream to read; one that ignores the range and is not the only one must not be. */
  private FileStream connect(long end) throws InterruptedException {
    var open = whole;
    if (open != null && open.position <= from) {
      open.stream.goOn(from - open.position, end - from);
      return open.stream;
    }
    if (open != null) {
      open.end();
      whole = null;
    }
    var in = open(from, end);
    if (in.isRangeIgnored()) {
      slice.part.file.ignoresRanges(source.name());
    }
    if (in.isRangeIgnored() && slice.part.number != Trial.NUMBER) {
      var only = new WholeStream(slice.part.file, source, in);
      whole = only.file.hold(only) ? only : null;
    }
    return in;
  }

  private void close(FileStream in) {
    if (whole != null) {
      whole.end();
    } else if (in.isRangeIgnored()) {
      in.cancel();
    }
    in.close();
  }

  private void read(FileStream in, byte[] chunk) throws InterruptedException {
    var part = slice.part;
    long position = from;
    while (true) {
      int n = in.read(chunk, 0, chunk.length);
      if (n < 0) {
        throw new HubException.Unreachable(
            source.name(),
            "%s ended after %d of %d bytes"
                .formatted(part.file.file.path(), position, part.file.file.size()),
            null);
      }
      if (n > 0 && firstByteAt == 0) {
        firstByteAt = System.nanoTime();
        lane.answered(waited(firstByteAt) / 1e9);
      }
      var delivery = part.deliver(slice, position, chunk, n, source.name());
      position += n;
      bytes = position - from;
      lane.brought(delivery.gained());
      part.file.moved(part, source.name(), delivery.gained());
      if (delivery.isComplete()) {
        part.file.complete(part, source.name());
      }
      if (!delivery.isWanted()) {
        if (whole != null) {
          whole.position = position;
          goesOn = true;
        }
        return;
      }
    }
  }

  /** Whatever an answer holds that nobody thought of is the trouble of who gave it. */
  private FileStream open(long position, long end) throws InterruptedException {
    try {
      return source.open(position, end);
    } catch (HubException e) {
      throw e;
    } catch (RuntimeException e) {
      // its message may quote what must not be seen
      throw new HubException.Protocol(
          source.name(),
          "an answer that cannot be understood (%s)".formatted(e.getClass().getSimpleName()));
    }
  }

  private synchronized boolean isCancelled() {
    return cancelled;
  }

  private End ended(@Nullable HubException e) {
    HubException counts;
    synchronized (this) {
      if (cancelled && fault == null) {
        return End.CANCELLED;
      }
      counts = fault == null ? e : fault;
    }
    if (counts instanceof HubException.RateLimited limited && limited.isPaced()) {
      lane.rest(limited);
      return End.CANCELLED;
    }
    if (counts != null) {
      slice.failed = source.name();
      slice.reason = String.valueOf(counts.getMessage());
      source.failed(counts);
      lane.failed(counts);
      slice.part.file.failed(source.name(), startedAt, bytes, counts);
    }
    return End.FAILED;
  }
}
