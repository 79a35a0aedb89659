package flora.fetcher.download;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is stored at once: a part of a large file, or a small file. It is fetched in slices, which
 * may be on their way over several connections. Its lock guards its slices and its buffer: a
 * connection reads into memory of its own and copies from there, so one that comes too late can
 * never write into a buffer that belongs to another part by now.
 */
final class Part {

  /**
   * Bytes that one source gave.
   *
   * @param from offset in the part
   * @param to offset after the last one
   */
  record Run(String source, int from, int to) {}

  final FileTask file;
  final int number;
  final long offset;
  final int size;

  private final List<Slice> running = new ArrayList<>();
  private final List<Slice> loose = new ArrayList<>();
  private final List<Run> runs = new ArrayList<>();
  private byte @Nullable [] buffer;
  private long cut;
  private int missing;
  private int holders;

  Part(FileTask file, int number, long offset, int size) {
    this.file = file;
    this.number = number;
    this.offset = offset;
    this.size = size;
    this.cut = offset;
    this.missing = size;
  }

  synchronized void begin(byte[] memory) {
    buffer = memory;
  }

  /** The bytes, once all are there. */
  synchronized byte[] bytes() {
    var memory = buffer;
    if (memory == null || missing > 0) {
      throw new IllegalStateException("part " + number + " is not complete");
    }
    return memory;
  }

  /** So many more want the bytes before the buffer may go. */
  synchronized void hold(int more) {
    holders += more;
  }

  /** One of them does not want them any more; whether nobody does. */
  synchronized boolean letGo() {
    return --holders == 0;
  }

  /** Takes the buffer away: whoever still fetches is of no use from now on. */
  synchronized byte @Nullable [] end() {
    var memory = buffer;
    buffer = null;
    running.clear();
    loose.clear();
    return memory;
  }

  /** What waits for a connection: first what another one left undone. */
  synchronized @Nullable Slice next(long most) {
    if (buffer == null) {
      return null;
    }
    Slice slice;
    if (!loose.isEmpty()) {
      slice = loose.removeFirst();
    } else if (cut < offset + size) {
      long left = offset + size - cut;
      // no crumbs at the end
      long length = left < most + most / 2 ? left : most;
      slice = new Slice(this, cut, cut + length);
      cut += length;
    } else {
      return null;
    }
    running.add(slice);
    return slice;
  }

  synchronized List<Slice> running() {
    return List.copyOf(running);
  }

  /** What a connection brought. */
  record Delivery(long gained, boolean isWanted, boolean isComplete) {}

  /** Takes bytes that begin at a position of the file. */
  synchronized Delivery deliver(
      Slice slice, long position, byte[] chunk, int length, String source) {
    var memory = buffer;
    if (memory == null || !running.contains(slice)) {
      return new Delivery(0, false, false);
    }
    long to = Math.min(position + length, slice.end);
    int gained = (int) Math.max(0, to - slice.at);
    if (gained > 0) {
      System.arraycopy(
          chunk, (int) (slice.at - position), memory, (int) (slice.at - offset), gained);
      slice.at = to;
      missing -= gained;
      ran(source, (int) (to - offset) - gained, (int) (to - offset));
    }
    boolean wanted = slice.at < slice.end;
    if (!wanted) {
      running.remove(slice);
    }
    return new Delivery(gained, wanted, gained > 0 && missing == 0);
  }

  /** Hands a slice back that nobody fetches any more; whether something of it is left to do. */
  synchronized boolean abandon(Slice slice) {
    if (buffer == null || !running.remove(slice)) {
      return false;
    }
    loose.add(slice);
    return true;
  }

  /** Cuts the rest of a slice off for another connection. */
  synchronized @Nullable Slice split(Slice slice, long at) {
    if (buffer == null || !running.contains(slice) || at <= slice.at || at >= slice.end) {
      return null;
    }
    var rest = new Slice(this, at, slice.end);
    slice.end = at;
    running.add(rest);
    return rest;
  }

  private void ran(String source, int from, int to) {
    for (int i = 0; i < runs.size(); i++) {
      var run = runs.get(i);
      if (run.to == from && run.source.equals(source)) {
        runs.set(i, new Run(source, run.from, to));
        return;
      }
    }
    runs.add(new Run(source, from, to));
  }

  /** What came from whom. */
  synchronized List<Run> runs() {
    return List.copyOf(runs);
  }

  /** Who gave something of it, first who gave most. */
  List<String> givers() {
    var bytes = new HashMap<String, Integer>();
    runs().forEach(run -> bytes.merge(run.source(), run.to() - run.from(), Integer::sum));
    return bytes.entrySet().stream()
        .sorted(Map.Entry.<String, Integer>comparingByValue().reversed())
        .map(Map.Entry::getKey)
        .toList();
  }
}
