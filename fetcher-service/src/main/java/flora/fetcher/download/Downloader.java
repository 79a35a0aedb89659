package flora.fetcher.download;

import flora.hub.HubClient;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.plan.DownloadPlan;
import flora.schemas.PipelineException;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorCompletionService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

/**
 * Gets the files of some plans into the store, several at a time, and says of each when it lies
 * there verified. What is there already is not fetched again.
 */
public final class Downloader {

  private static final long TICK_MILLIS = 200;

  /** A file of a plan. Files with the same bytes in the same bucket are fetched once. */
  private record Wanted(RepoListing listing, HubFile file) {
    String identity() {
      return Archive.bucket(listing.type()) + "/" + file.identity();
    }
  }

  /** Who is told. */
  public interface Watcher {

    /**
     * A file lies verified in the store; called from several threads.
     *
     * @param isNew whether it was fetched just now
     */
    void verified(RepoListing listing, HubFile file, Verified verified, boolean isNew);

    /** Some time has passed; called from the caller's thread, which may throw to stop. */
    void tick(Meter meter);
  }

  private final HubClient hub;
  private final Archive archive;
  private final Clock clock;
  private final int parallelFiles;

  /**
   * @param parallelFiles how many files are on their way at once
   */
  public Downloader(HubClient hub, Archive archive, Clock clock, int parallelFiles) {
    this.hub = hub;
    this.archive = archive;
    this.clock = clock;
    this.parallelFiles = parallelFiles;
  }

  /**
   * Gets all files of all plans.
   *
   * @return for each plan its files with what is known of their blobs
   * @throws TransferException.DiskFull before the first byte
   * @throws PipelineException for the first file that cannot be had; the others are stopped then
   */
  public List<Map<HubFile, Verified>> run(Collection<DownloadPlan> plans, Watcher watcher)
      throws InterruptedException {
    var wanted = new LinkedHashMap<String, List<Wanted>>();
    for (var plan : plans) {
      for (var file : plan.files()) {
        var one = new Wanted(plan.listing(), file);
        wanted.computeIfAbsent(one.identity(), key -> new ArrayList<>()).add(one);
      }
    }
    var meter = new Meter();
    var verified = new ConcurrentHashMap<String, Verified>();
    all(wanted.values(), group -> find(group, verified, meter, watcher), meter, watcher);
    var missing = wanted.values().stream().filter(g -> !verified.containsKey(key(g))).toList();
    requireDisk(missing);
    all(missing, group -> fetch(group, verified, meter, watcher), meter, watcher);

    var results = new ArrayList<Map<HubFile, Verified>>();
    for (var plan : plans) {
      var files = new LinkedHashMap<HubFile, Verified>();
      for (var file : plan.files()) {
        var one = verified.get(new Wanted(plan.listing(), file).identity());
        if (one == null) {
          throw new IllegalStateException("neither found nor fetched: " + file.path());
        }
        files.put(file, one);
      }
      results.add(files);
    }
    return results;
  }

  private static String key(List<Wanted> group) {
    return group.getFirst().identity();
  }

  private void find(
      List<Wanted> group, Map<String, Verified> verified, Meter meter, Watcher watcher) {
    var first = group.getFirst();
    var found = archive.find(Archive.bucket(first.listing().type()), first.file());
    if (found.isPresent()) {
      verified.put(key(group), found.get());
      for (var one : group) {
        meter.present(one.file().size());
        watcher.verified(one.listing(), one.file(), found.get(), false);
      }
    }
  }

  private void fetch(
      List<Wanted> group, Map<String, Verified> verified, Meter meter, Watcher watcher)
      throws InterruptedException {
    var first = group.getFirst();
    var fetched = new FileTransfer(hub, archive, meter, clock, first.listing(), first.file()).run();
    verified.put(key(group), fetched);
    for (int i = 0; i < group.size(); i++) {
      var one = group.get(i);
      if (i > 0) {
        meter.present(one.file().size());
      }
      watcher.verified(one.listing(), one.file(), fetched, i == 0);
    }
  }

  /**
   * The store puts the parts of an upload together: for a while the largest file is there twice.
   */
  private void requireDisk(List<List<Wanted>> missing) {
    long sum = missing.stream().mapToLong(group -> group.getFirst().file().size()).sum();
    long largest =
        missing.stream().mapToLong(group -> group.getFirst().file().size()).max().orElse(0);
    long free = archive.freeBytes().orElse(Long.MAX_VALUE);
    if (sum > 0 && free < sum + largest) {
      throw new TransferException.DiskFull(sum, sum + largest, free);
    }
  }

  private interface Step<T> {
    void take(T item) throws InterruptedException;
  }

  /** Does a step for all items, so many at a time, until one fails or somebody says stop. */
  private <T> void all(Collection<T> items, Step<T> step, Meter meter, Watcher watcher)
      throws InterruptedException {
    var threads = Executors.newFixedThreadPool(parallelFiles, Thread.ofVirtual().factory());
    try {
      var done = new ExecutorCompletionService<Boolean>(threads);
      for (var item : items) {
        Callable<Boolean> task =
            () -> {
              step.take(item);
              return true;
            };
        done.submit(task);
      }
      for (int left = items.size(); left > 0; ) {
        watcher.tick(meter);
        var next = done.poll(TICK_MILLIS, TimeUnit.MILLISECONDS);
        while (next != null) {
          next.get();
          left--;
          next = done.poll();
        }
      }
      watcher.tick(meter);
    } catch (ExecutionException e) {
      throw rethrown(e);
    } finally {
      threads.shutdownNow();
      threads.close();
    }
  }

  private static RuntimeException rethrown(ExecutionException e) throws InterruptedException {
    switch (e.getCause()) {
      case InterruptedException stopped -> throw stopped;
      case ObjectStoreException.Unavailable unavailable
          when unavailable.getCause() instanceof InterruptedException -> {
        throw new InterruptedException("stopped while writing to the store");
      }
      case RuntimeException failure -> throw failure;
      case Error error -> throw error;
      case null, default -> throw new IllegalStateException(e);
    }
  }
}
