package flora.fetcher.download;

import flora.hub.HubException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Hands work to connections. Each source has a lane of them, shared by all files of all downloads;
 * whoever is free asks here and gets, in the order of the plan, what another one left undone, else
 * the next range of the first file that has one. A connection for which nothing is left, or no
 * memory, overtakes: it takes the second part of the range that would take longest, cut where both
 * end together, or races for the whole of it when little is left.
 */
final class Board {

  private static final long TICK_MILLIS = 100;
  private static final long IDLE_NANOS = Duration.ofSeconds(2).toNanos();
  private static final long HELD_NANOS = Duration.ofSeconds(5).toNanos();
  private static final int CHUNK = 128 << 10;

  /** Ranges smaller than this are raced for, not cut. */
  private static final long SMALLEST = 512 << 10;

  private final DownloadSettings settings;
  private final Map<String, Lane> lanes = new LinkedHashMap<>();
  private final TreeMap<Long, FileTask> tasks = new TreeMap<>();
  private final Set<Fetch> fetches = ConcurrentHashMap.newKeySet();
  private boolean isTicking;

  Board(DownloadSettings settings) {
    this.settings = settings;
  }

  /** Opens a file for work; lower numbers come first. */
  synchronized void add(long order, FileTask task) {
    tasks.put(order, task);
    enlist(task);
    if (!isTicking) {
      isTicking = true;
      Thread.ofVirtual().name("download-pace").start(this::tickOn);
    }
    hire();
    notifyAll();
  }

  /** Nothing more is fetched of a file. */
  void remove(FileTask task) {
    synchronized (this) {
      tasks.values().remove(task);
    }
    for (var fetch : fetches) {
      if (fetch.slice.part.file == task) {
        fetch.cancel(null);
      }
    }
  }

  /** Memory has become free, or something else that somebody may wait for has happened. */
  synchronized void changed() {
    notifyAll();
  }

  /** How many connections to each source are at work. */
  synchronized List<Lane> lanes() {
    return List.copyOf(lanes.values());
  }

  private void enlist(FileTask task) {
    try {
      for (var source : task.refresh()) {
        lanes
            .computeIfAbsent(source.name(), name -> new Lane(name, source.maxConnections()))
            .allow(source.maxConnections());
      }
    } catch (RuntimeException | Error e) {
      task.died(e);
    }
  }

  private void hire() {
    for (var lane : lanes.values()) {
      while (lane.hire()) {
        Thread.ofVirtual().name("download-" + lane.name).start(() -> work(lane));
      }
    }
  }

  private void work(Lane lane) {
    boolean isCounted = true;
    try {
      var chunk = new byte[CHUNK];
      for (var fetch = take(lane); fetch != null; fetch = take(lane)) {
        run(fetch, chunk);
        for (var rest = fetch.rest(); rest != null; ) {
          rest = goOn(lane, rest, chunk);
        }
      }
      isCounted = false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } finally {
      if (isCounted) { // whatever ends it, another one may come
        lane.gone();
      }
    }
  }

  private void run(Fetch fetch, byte[] chunk) throws InterruptedException {
    var end = Fetch.End.FAILED;
    try {
      end = fetch.run(chunk);
    } catch (RuntimeException | Error e) {
      fetch.slice.part.file.died(e);
    } finally {
      settle(fetch, end);
    }
  }

  /** Fetches the next range from a stream that is open; what is left of it then. */
  private @Nullable WholeStream goOn(Lane lane, WholeStream stream, byte[] chunk)
      throws InterruptedException {
    Fetch fetch = null;
    try {
      fetch = next(lane, stream);
    } finally {
      if (fetch == null) {
        stream.end();
      }
    }
    if (fetch == null) {
      return null;
    }
    run(fetch, chunk);
    return fetch.rest();
  }

  private synchronized @Nullable Fetch next(Lane lane, WholeStream stream)
      throws InterruptedException {
    var task = stream.file;
    long until = System.nanoTime() + HELD_NANOS;
    while (tasks.containsValue(task) && System.nanoTime() - until < 0) {
      var source = task.source(lane.name);
      if (source == null || !source.isUsable()) {
        return null;
      }
      var slice = task.next(lane.name, lane.sliceSize(task.sourceNames().size() == 1));
      if (slice != null) {
        return started(new Fetch(lane, source, slice, stream));
      }
      wait(50); // for memory
    }
    return null;
  }

  private Fetch started(Fetch fetch) {
    fetch.lane.started();
    fetch.slice.fetches.add(fetch);
    fetches.add(fetch);
    return fetch;
  }

  /** Waits for work; null when the thread should end. */
  private synchronized @Nullable Fetch take(Lane lane) throws InterruptedException {
    long since = System.nanoTime();
    while (true) {
      long now = System.nanoTime();
      if (lane.leaves(!tasks.isEmpty() && now - since < IDLE_NANOS)) {
        return null;
      }
      var fetch = lane.mayAsk(now) ? find(lane, now) : null;
      if (fetch != null) {
        return started(fetch);
      }
      wait(50);
    }
  }

  private @Nullable Fetch find(Lane lane, long now) {
    for (var task : tasks.values()) {
      var source = task.askable(lane.name, now);
      if (source == null) {
        continue;
      }
      Slice slice;
      try {
        slice = task.next(lane.name, lane.sliceSize(task.sourceNames().size() == 1));
      } catch (RuntimeException | Error e) { // no memory, for one: the file's trouble
        task.died(e);
        return null;
      }
      if (slice != null) {
        if (!slice.failed.isEmpty() && !slice.failed.equals(lane.name)) {
          task.job.switched(task, slice.failed, lane.name, slice.reason);
        }
        return new Fetch(lane, source, slice, null);
      }
    }
    return overtake(lane, now);
  }

  private @Nullable Fetch overtake(Lane lane, long now) {
    Slice slowest = null;
    double longest = Math.max(0.1, 2 * lane.latency());
    for (var task : tasks.values()) {
      if (task.askable(lane.name, now) == null || !task.admits(lane.name, now)) {
        continue;
      }
      for (var slice : task.running()) {
        double eta = eta(slice, now);
        if (eta > longest) {
          longest = eta;
          slowest = slice;
        }
      }
    }
    if (slowest == null) {
      return null;
    }
    var task = slowest.part.file;
    var source = task.askable(lane.name, now);
    long left = slowest.left();
    double theirs = left / longest;
    double ours = lane.perConnection() == 0 ? theirs : lane.perConnection();
    if (source == null) {
      return null;
    }
    if (left >= 2 * SMALLEST) {
      long rest = Math.clamp((long) (left * ours / (ours + theirs)), SMALLEST, left - SMALLEST);
      if (lane.latency() + rest / ours < 0.8 * longest) {
        var cut = slowest.part.split(slowest, slowest.end - rest);
        if (cut != null) {
          return new Fetch(lane, source, cut, null);
        }
      }
    }
    boolean pays = lane.latency() + left / ours < 0.5 * longest;
    return pays && slowest.fetches.size() == 1 ? new Fetch(lane, source, slowest, null) : null;
  }

  /** Seconds until the last byte of a slice, as its fastest connection goes. */
  private static double eta(Slice slice, long now) {
    double best = slice.fetches.isEmpty() ? 0 : Double.MAX_VALUE;
    for (var fetch : slice.fetches) {
      double speed = fetch.speed(now);
      if (speed == 0) {
        // silent so far: as its lane usually is, and worse the longer it stays silent
        double usual = fetch.lane.perConnection();
        double expected = usual == 0 ? 0 : slice.left() / usual;
        best = Math.min(best, expected + 2 * fetch.waited(now) / 1e9);
      } else {
        best = Math.min(best, slice.left() / speed);
      }
    }
    return best;
  }

  private void settle(Fetch fetch, Fetch.End end) {
    var slice = fetch.slice;
    var task = slice.part.file;
    long now = System.nanoTime();
    fetches.remove(fetch);
    fetch.lane.ended(fetch, now);
    if (end == Fetch.End.DONE) {
      task.succeeded(fetch.source.name());
    }
    synchronized (this) {
      slice.fetches.remove(fetch);
      if (end == Fetch.End.DONE) {
        slice.fetches.forEach(other -> other.cancel(null));
      } else if (slice.fetches.isEmpty()) {
        slice.part.abandon(slice);
      }
      notifyAll();
    }
  }

  private void tickOn() {
    try {
      for (long n = 0; tick(n); n++) {
        Thread.sleep(TICK_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static String words(Duration time) {
    return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
  }

  private boolean tick(long n) {
    long now = System.nanoTime();
    for (var fetch : fetches) {
      if (fetch.isStalled(now, settings)) {
        fetch.cancel(
            new HubException.Unreachable(
                fetch.source.name(),
                fetch.hasBegun()
                    ? "less than %d bytes a second over %s"
                        .formatted(settings.slowestBytesPerSecond(), words(settings.stallWindow()))
                    : "no byte within " + words(settings.firstByte()),
                null));
      }
    }
    var active = new ArrayList<FileTask>();
    synchronized (this) {
      if (tasks.isEmpty()) {
        isTicking = false;
        return false;
      }
      lanes.values().forEach(lane -> lane.tick(now));
      if (n % 10 == 9) { // mirrors that turned up late
        tasks.values().stream().limit(64).forEach(active::add);
        active.forEach(this::enlist);
      }
      hire();
      notifyAll();
    }
    active.forEach(task -> task.failUnlessAnyIsLeft(now));
    return true;
  }
}
