package flora.fetcher.download;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * A range of a file that one connection fetches, or two that race. Its bounds move: {@code at} with
 * the bytes that come, {@code end} when another connection takes the rest over. Both are guarded by
 * the part's lock, and may be looked at without it by who can live with a value of just before.
 */
final class Slice {

  final Part part;
  final List<Fetch> fetches = new CopyOnWriteArrayList<>();
  volatile long at;
  volatile long end;

  /** Who failed on it last; empty for nobody. */
  volatile String failed = "";

  volatile String reason = "";

  Slice(Part part, long at, long end) {
    this.part = part;
    this.at = at;
    this.end = end;
  }

  long left() {
    return end - at;
  }
}
