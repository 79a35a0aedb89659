package flora.fetcher.download;

import flora.schemas.fetch.FetchEvent.Bottleneck;
import java.util.HashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What is known of the link that all downloads of this process share: the most that it has been
 * seen to carry over some seconds. Tells as well what holds a download up, by where work waits:
 * complete parts before the store, or before the hash, else connections that bring no more than
 * fewer did, else the sources.
 */
final class Link {

  private static final int BACKLOG = 3;

  private long best;

  synchronized Progress progress(Job job, Engine engine, long total) {
    var meter = job.meter;
    meter.sample(System.nanoTime());
    long rate = meter.bytesPerSecond();
    if (meter.isSustained()) {
      best = Math.max(best, rate);
    }
    long done = Math.min(total, meter.done());
    var lanes = engine.board().lanes();
    var busy = new HashMap<String, Integer>();
    lanes.forEach(lane -> busy.put(lane.name, lane.busy()));
    return new Progress(
        done,
        rate,
        Math.max(best, rate),
        rate == 0 ? null : (total - done + rate - 1) / rate,
        bottleneck(job, lanes),
        meter.shares(name -> busy.getOrDefault(name, 0)));
  }

  private static @Nullable Bottleneck bottleneck(Job job, List<Lane> lanes) {
    if (job.isPaused() || job.waitingForStore.get() >= BACKLOG) {
      return Bottleneck.DISK;
    }
    if (job.waitingForHash.get() >= BACKLOG) {
      return Bottleneck.HASH;
    }
    var working = lanes.stream().filter(lane -> lane.busy() > 0).toList();
    if (working.isEmpty()) {
      return null;
    }
    return working.stream().anyMatch(Lane::isFull) ? Bottleneck.LINK : Bottleneck.SOURCE;
  }
}
