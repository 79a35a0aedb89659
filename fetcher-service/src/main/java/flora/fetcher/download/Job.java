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
  private final Set<Room.Waiter> full = new HashSet<>();
  private boolean isToldFull;
  private long toldFull;
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

  void mismatched(RepoCopies copies, HubFile file, String source, String received) {
    var expected = Digests.expected(file);
    news.add(w -> w.mismatched(copies.listing(), file, source, expected, received));
  }

  /** One more who may have to wait for room in the store. */
  Room.Waiter waiter() {
    return new Room.Waiter() {
      @Override
      public void paused(ObjectStoreException.Full why) {
        synchronized (full) {
          full.add(this);
          long now = System.nanoTime();
          if (!isToldFull || now - toldFull > Room.SAY_AGAIN_NANOS) {
            isToldFull = true;
            toldFull = now;
            news.add(w -> w.paused(why));
          }
        }
      }

      @Override
      public void resumed() {
        synchronized (full) {
          if (full.remove(this) && full.isEmpty()) {
            isToldFull = false;
            news.add(Downloader.Watcher::resumed);
          }
        }
      }

      @Override
      public void proceed() throws InterruptedException {
        if (over) {
          throw new InterruptedException("nobody waits for it any more");
        }
      }
    };
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

  void end() {
    over = true;
  }

  void tell(Downloader.Watcher watcher) {
    for (var one = news.poll(); one != null; one = news.poll()) {
      one.accept(watcher);
    }
  }

  /** What is left to tell once all files are there: the last of them may still be waking up. */
  void tellLast(Downloader.Watcher watcher) {
    synchronized (full) {
      if (isToldFull) {
        isToldFull = false;
        news.add(Downloader.Watcher::resumed);
      }
      full.clear();
    }
    tell(watcher);
  }
}
