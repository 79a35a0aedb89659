package flora.fetcher.download;

import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.archive.Verified;
import flora.store.ObjectStoreException;
import java.util.HashSet;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One download: its meter, its watcher and how it ends. What there is to tell waits until the
 * caller's own thread comes by, so that nobody is held up who has a lock.
 */
final class Job {

  final Meter meter = new Meter();
  final AtomicInteger waitingForStore = new AtomicInteger();
  final AtomicInteger waitingForHash = new AtomicInteger();
  private final Queue<Consumer<Downloader.Watcher>> news = new ConcurrentLinkedQueue<>();
  private final Set<String> told = ConcurrentHashMap.newKeySet();
  private final Set<Object> full = new HashSet<>();
  private volatile @Nullable Throwable failure;
  private volatile boolean over;

  void verified(RepoCopies copies, HubFile file, Verified verified, boolean isNew) {
    news.add(w -> w.verified(copies.listing(), file, verified, isNew));
  }

  void switched(FileTask task, String from, String to, String reason) {
    if (told.add(task.bucket + task.file.identity() + "\n" + from)) {
      news.add(w -> w.switched(task.copies.listing(), task.file, from, to, reason));
    }
  }

  void mismatched(RepoCopies copies, HubFile file, String source, Digests wrong) {
    var expected = wrong.expected();
    var received = wrong.received();
    news.add(w -> w.mismatched(copies.listing(), file, source, expected, received));
  }

  /** Somebody waits for room in the store. */
  void paused(Object who, ObjectStoreException.Full why) {
    synchronized (full) {
      full.add(who);
    }
    news.add(w -> w.paused(why));
  }

  /** Somebody waits no longer. */
  void resumed(Object who) {
    synchronized (full) {
      if (full.remove(who) && full.isEmpty()) {
        news.add(Downloader.Watcher::resumed);
      }
    }
  }

  boolean isPaused() {
    synchronized (full) {
      return !full.isEmpty();
    }
  }

  void fail(Throwable e) {
    if (failure == null) {
      failure = e;
    }
  }

  @Nullable Throwable failure() {
    return failure;
  }

  /** Whether nobody waits for its files any more. */
  boolean isOver() {
    return over;
  }

  void end() {
    over = true;
  }

  void tell(Downloader.Watcher watcher) {
    for (var one = news.poll(); one != null; one = news.poll()) {
      one.accept(watcher);
    }
  }
}
