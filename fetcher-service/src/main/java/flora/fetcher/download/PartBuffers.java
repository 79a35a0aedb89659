package flora.fetcher.download;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The memory of all downloads together. A part or a small file claims its bytes before it is begun
 * and gives them back when it is hashed and stored, so what is under way is bounded whatever the
 * size of the files. Parts are claimed in the order in which they are hashed: the one that the hash
 * waits for always has its bytes, and nothing can lock up. Thread-safe.
 */
final class PartBuffers {

  private final long capacity;
  private final Map<Integer, Deque<byte[]>> free = new HashMap<>();
  private long used;
  private long idle;

  PartBuffers(long capacity) {
    this.capacity = capacity;
  }

  /** A buffer of exactly this size, or null while there is no room for it. */
  synchronized byte @Nullable [] tryClaim(int size) {
    if (used > 0 && used + size > capacity) {
      return null;
    }
    var known = free.get(size);
    if (known != null && !known.isEmpty()) {
      idle -= size;
      used += size;
      return known.pop();
    }
    if (used + size + idle > capacity) {
      free.clear();
      idle = 0;
    }
    var buffer = new byte[size]; // may throw: nothing is claimed then
    used += size;
    return buffer;
  }

  /** The same, but waits. For who holds none. */
  synchronized byte[] claim(int size) throws InterruptedException {
    var buffer = tryClaim(size);
    while (buffer == null) {
      wait();
      buffer = tryClaim(size);
    }
    return buffer;
  }

  /** Gives a buffer back. Only whole parts are worth keeping. */
  synchronized void release(byte[] buffer) {
    used -= buffer.length;
    notifyAll();
    if (buffer.length % DownloadSettings.PART == 0 && used + idle + buffer.length <= capacity) {
      idle += buffer.length;
      free.computeIfAbsent(buffer.length, _ -> new ArrayDeque<>()).push(buffer);
    }
  }
}
