package flora.fetcher.download;

import java.util.concurrent.atomic.AtomicLong;

/** How much of one file its download's meter counts as done. Thread-safe. */
final class Tally {

  private final Meter meter;
  private final AtomicLong bytes = new AtomicLong();

  Tally(Meter meter) {
    this.meter = meter;
  }

  /** So much of it is there, whatever was counted before. */
  void set(long there) {
    meter.present(there - bytes.getAndSet(there));
  }

  /** Something came in that only shows what a source is worth. */
  void shown(String source, long gained) {
    meter.shown(source, gained);
  }

  /** More of it came in. */
  void moved(String source, long gained) {
    bytes.addAndGet(gained);
    meter.moved(source, gained);
  }
}
