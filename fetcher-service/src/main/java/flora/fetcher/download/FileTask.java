package flora.fetcher.download;

import flora.hub.FileSource;
import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.RetryPolicy;
import flora.hub.archive.Archive;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * A file on its way: its open parts, and how its sources behave. A source that fails is left alone
 * for a while, and for good when it fails as often in a row as the policy has attempts, or in a way
 * that will not pass. The file fails when no source is left.
 */
abstract class FileTask {

  /** A connection that brought so much was a good one: failures are counted anew. */
  private static final long PROGRESS = 1 << 20;

  /** How one source behaves on this file. */
  private static final class Behaviour {
    private int failures;
    private long lastFailure = System.nanoTime();
    private long notBefore = System.nanoTime();
    private @Nullable HubException error;
    private boolean dropped;
  }

  final RepoCopies copies;
  final HubFile file;
  final Job job;
  final Tally tally;
  final String bucket;
  private final RetryPolicy policy;
  private final List<Part> open = new ArrayList<>();
  private final Map<String, FileSource> sources = new LinkedHashMap<>();
  private volatile Set<String> avoided = Set.of();
  private final Map<String, Behaviour> behaviours = new LinkedHashMap<>();
  private final Map<String, WholeStream> wholes = new ConcurrentHashMap<>();
  private long unusableSince = Long.MAX_VALUE;

  FileTask(RepoCopies copies, HubFile file, Job job, Tally tally, RetryPolicy policy) {
    this.copies = copies;
    this.file = file;
    this.job = job;
    this.tally = tally;
    this.policy = policy;
    this.bucket = Archive.bucket(copies.listing().type());
  }

  /** Begins the next part, when there is one and memory for it. */
  abstract @Nullable Part begin();

  /**
   * All bytes of a part are there.
   *
   * @param source who gave the last of them
   */
  abstract void complete(Part part, String source);

  /** It cannot be had. */
  abstract void fail(RuntimeException e);

  /** Who worked on it has died of something that nobody expected. */
  final void died(Throwable e) {
    fail(e instanceof RuntimeException known ? known : new IllegalStateException(e));
  }

  /** Looks again who has the file. */
  final Collection<FileSource> refresh() {
    var found = copies.sources(file);
    synchronized (sources) {
      for (var source : found) {
        if (!avoided.contains(source.name())) {
          sources.put(source.name(), source);
        }
      }
      return List.copyOf(sources.values());
    }
  }

  /** From now on as if these sources, and no others, did not have the file. */
  final void avoid(Set<String> names) {
    synchronized (sources) {
      avoided = Set.copyOf(names);
      sources.keySet().removeAll(names);
    }
    refresh();
  }

  final @Nullable FileSource source(String name) {
    synchronized (sources) {
      return sources.get(name);
    }
  }

  final List<String> sourceNames() {
    synchronized (sources) {
      return List.copyOf(sources.keySet());
    }
  }

  /** The source under this name, when it may be asked now. */
  final @Nullable FileSource askable(String name, long now) {
    var source = source(name);
    if (source == null || !source.isUsable() || wholes.containsKey(name)) {
      return null;
    }
    synchronized (behaviours) {
      var known = behaviours.get(name);
      return known != null && (known.dropped || now - known.notBefore < 0) ? null : source;
    }
  }

  /** Whether a source may help where others are at work. */
  boolean admits(String source, long now) {
    return true;
  }

  /** A source has begun at the file's first byte whatever it was asked for. */
  void ignoresRanges(String source) {}

  /** Bytes have come that were not there yet. */
  void moved(Part part, String source, long gained) {
    tally.moved(source, gained);
  }

  /** Whether it is the only stream of its source; then nobody asks that source for ranges. */
  final boolean hold(WholeStream stream) {
    return wholes.putIfAbsent(stream.source.name(), stream) == null;
  }

  final void drop(WholeStream stream) {
    wholes.remove(stream.source.name(), stream);
  }

  /** The next range for a source to bring; null for none now. */
  @Nullable Slice next(String source, long most) {
    synchronized (open) {
      for (var part : open) {
        var slice = part.next(most);
        if (slice != null) {
          return slice;
        }
      }
      var part = begin();
      if (part == null) {
        return null;
      }
      open.add(part);
      return part.next(most);
    }
  }

  final List<Slice> running() {
    synchronized (open) {
      var all = new ArrayList<Slice>();
      open.forEach(part -> all.addAll(part.running()));
      return all;
    }
  }

  /** A part is no longer fetched. */
  final void close(Part part) {
    synchronized (open) {
      open.remove(part);
    }
  }

  /** Takes all buffers back; connections that still fetch find nothing to write into. */
  final List<Part> closeAll() {
    synchronized (open) {
      var parts = List.copyOf(open);
      open.clear();
      return parts;
    }
  }

  final void succeeded(String source) {
    synchronized (behaviours) {
      var known = behaviours.get(source);
      if (known != null) {
        known.failures = 0;
      }
    }
  }

  /**
   * A connection failed. Those that were under way at the same time fail together: that counts
   * once.
   */
  final void failed(String source, long startedAt, long brought, HubException e) {
    long now = System.nanoTime();
    synchronized (behaviours) {
      var known = behaviours.computeIfAbsent(source, _ -> new Behaviour());
      if (brought >= PROGRESS) {
        known.failures = 0;
      }
      if (known.failures == 0 || startedAt - known.lastFailure >= 0) {
        known.failures++;
        known.lastFailure = now;
      }
      known.error = e;
      var delay = policy.delay(known.failures, e);
      if (delay == null && e instanceof HubException.Protocol && known.failures == 1) {
        // a page instead of the file is a proxy's hiccup as often as not: asked once more
        known.notBefore = now + policy.firstDelay().toNanos();
      } else if (delay == null) {
        known.dropped = true;
      } else {
        known.notBefore = now + delay.toNanos();
      }
    }
    failUnlessAnyIsLeft(now);
  }

  /** Fails when nobody is left who may have the file, now or after a short wait. */
  final void failUnlessAnyIsLeft(long now) {
    boolean waits = false;
    var errors = new LinkedHashMap<String, HubException>();
    synchronized (behaviours) {
      for (var name : sourceNames()) {
        var known = behaviours.get(name);
        if (known != null && known.error != null) {
          errors.put(name, known.error);
        }
        var source = source(name);
        if (known != null && known.dropped) {
          continue;
        }
        if (source != null && source.isUsable()) {
          unusableSince = Long.MAX_VALUE;
          return;
        }
        waits = true;
      }
      if (waits) {
        unusableSince = Math.min(unusableSince, now);
        if (now - unusableSince < Duration.ofSeconds(20).toNanos()) {
          return;
        }
      }
    }
    if (errors.size() == 1 && avoided.isEmpty()) {
      fail(errors.values().iterator().next());
    } else {
      fail(new TransferException.AllFailed(copies.listing().repo(), file.path(), avoided, errors));
    }
  }
}
