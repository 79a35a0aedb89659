package flora.fetcher.download;

import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoCopies;
import flora.hub.RepoListing;
import flora.hub.archive.Archive;
import flora.hub.archive.Verified;
import flora.hub.plan.PlannedDownload;
import flora.schemas.PipelineException;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Gets the files of some plans into the store and says of each when it lies there verified. What is
 * there already is not fetched again, what another instance is at is waited for. Thread-safe:
 * several downloads share connections and memory.
 */
public final class Downloader {

  private static final long TICK_MILLIS = 200;
  private static final int LOOKERS = 16;

  /**
   * Files of at most so many bytes are tiny; so many of them are many; this is a sample of them.
   */
  private static final int TINY = 64 << 10;

  private static final int MANY = 100;
  private static final int SAMPLE = 25;

  /** A file of a plan. Files with the same bytes in the same bucket are fetched once. */
  private record Wanted(RepoCopies copies, HubFile file) {
    String identity() {
      return Archive.bucket(copies.listing().type()) + "/" + file.identity();
    }
  }

  /** Who is told; always from the caller's thread. */
  public interface Watcher {

    /**
     * A file lies verified in the store.
     *
     * @param isNew whether it was fetched just now
     */
    void verified(RepoListing listing, HubFile file, Verified verified, boolean isNew);

    /** Some time has passed; may throw to stop. */
    void tick(Progress progress);

    /** A file's bytes come from another source than before. */
    default void switched(
        RepoListing listing, HubFile file, String from, String to, String reason) {}

    /** A source gave wrong bytes. */
    default void mismatched(
        RepoListing listing, HubFile file, String source, String expected, String received) {}

    /** The store is full; said again every ten seconds until room is made. */
    default void paused(ObjectStoreException.Full why) {}

    /** It goes on. */
    default void resumed() {}
  }

  private final ObjectStore store;
  private final Archive archive;
  private final Engine engine;
  private final String instance = UUID.randomUUID().toString();
  private final AtomicLong order = new AtomicLong();
  private final Link link = new Link();

  /** A downloader into a store. */
  public Downloader(ObjectStore store, DownloadSettings settings, Clock clock) {
    this.store = store;
    this.archive = new Archive(store);
    this.engine = Engine.of(settings, clock);
  }

  /**
   * Gets all files of all plans.
   *
   * @return for each plan its files with what is known of their blobs
   * @throws TransferException.DiskFull before the first byte
   * @throws PipelineException for the first file that cannot be had; the others are stopped then
   */
  public List<Map<HubFile, Verified>> run(Collection<PlannedDownload> downloads, Watcher watcher)
      throws InterruptedException {
    var groups = new LinkedHashMap<String, List<Wanted>>();
    for (var download : downloads) {
      for (var file : download.plan().files()) {
        var one = new Wanted(download.copies(), file);
        groups.computeIfAbsent(one.identity(), key -> new ArrayList<>()).add(one);
      }
    }
    var job = new Job();
    var verified = new ConcurrentHashMap<String, Verified>();
    var tasks = new ArrayList<SmallFile>();
    var threads = Executors.newThreadPerTaskExecutor(Thread.ofVirtual().factory());
    try {
      find(groups, verified, job, threads);
      var missing = groups.values().stream().filter(g -> !verified.containsKey(key(g))).toList();
      requireDisk(missing);
      start(missing, verified, job, threads, tasks);
      await(groups.size(), verified, job, watcher, size(downloads));
    } finally {
      job.end();
      threads.shutdownNow();
      tasks.forEach(SmallFile::cancel);
      threads.close();
    }
    return results(downloads, verified);
  }

  private static long size(Collection<PlannedDownload> downloads) {
    return downloads.stream().mapToLong(d -> d.plan().bytes()).sum();
  }

  private static String key(List<Wanted> group) {
    return group.getFirst().identity();
  }

  /**
   * Looks what is there. To ask for a tiny file costs as much as to fetch it: of very many of them
   * a sample is asked for, and the others only where some of the sample are there.
   */
  private void find(
      Map<String, List<Wanted>> groups,
      Map<String, Verified> verified,
      Job job,
      ExecutorService threads)
      throws InterruptedException {
    var first = new ArrayList<List<Wanted>>();
    var tiny = new ArrayList<List<Wanted>>();
    groups.values().forEach(group -> (isTiny(group) ? tiny : first).add(group));
    int step = tiny.size() < MANY ? 1 : tiny.size() / SAMPLE;
    var rest = new ArrayList<List<Wanted>>();
    for (int i = 0; i < tiny.size(); i++) {
      (i % step == 0 ? first : rest).add(tiny.get(i));
    }
    lookAll(first, verified, job, threads);
    if (tiny.stream().anyMatch(group -> verified.containsKey(key(group)))) {
      lookAll(rest, verified, job, threads);
    }
  }

  private static boolean isTiny(List<Wanted> group) {
    return group.getFirst().file().size() <= TINY;
  }

  private void lookAll(
      List<List<Wanted>> groups, Map<String, Verified> verified, Job job, ExecutorService threads)
      throws InterruptedException {
    var left = new ConcurrentLinkedQueue<>(groups);
    int lookers = Math.min(LOOKERS, left.size());
    var done = new CountDownLatch(lookers);
    for (int i = 0; i < lookers; i++) {
      threads.execute(
          () -> {
            try {
              for (var group = left.poll(); group != null; group = left.poll()) {
                look(group, verified, job);
              }
            } catch (RuntimeException | Error e) {
              job.fail(e);
            } finally {
              done.countDown();
            }
          });
    }
    done.await();
    var failure = job.failure();
    if (failure != null) {
      throw rethrown(failure);
    }
  }

  private void look(List<Wanted> group, Map<String, Verified> verified, Job job) {
    var first = group.getFirst();
    var bucket = Archive.bucket(first.copies().listing().type());
    var found = archive.find(bucket, first.file());
    if (found.isPresent()) {
      if (!SmallFile.fits(first.file())) {
        Claim.clear(store, Target.of(bucket, first.file()));
      }
      done(group, found.get(), false, verified, job, 0);
    }
  }

  /** A file is there: for everybody who wants these bytes. */
  private static void done(
      List<Wanted> group,
      Verified blob,
      boolean isNew,
      Map<String, Verified> verified,
      Job job,
      long counted) {
    for (int i = 0; i < group.size(); i++) {
      var one = group.get(i);
      job.meter.present(one.file().size() - (i == 0 ? counted : 0));
      job.verified(one.copies(), one.file(), blob, isNew && i == 0);
    }
    verified.put(key(group), blob);
  }

  private void start(
      List<List<Wanted>> missing,
      Map<String, Verified> verified,
      Job job,
      ExecutorService threads,
      List<SmallFile> tasks) {
    var large = new ConcurrentLinkedQueue<LargeJob>();
    for (var group : missing) {
      var first = group.getFirst();
      long number = order.incrementAndGet();
      if (!SmallFile.fits(first.file())) {
        large.add(new LargeJob(group, number));
        continue;
      }
      var task =
          new SmallFile(
              first.copies(),
              first.file(),
              job,
              archive,
              engine,
              blob -> done(group, blob, true, verified, job, first.file().size()));
      tasks.add(task);
      if (first.file().size() == 0) {
        task.store();
      } else {
        engine.board().add(number, task);
      }
    }
    for (int i = 0; i < engine.settings().parallelFiles(); i++) {
      threads.execute(
          () -> {
            for (var next = large.poll(); next != null; next = large.poll()) {
              fetch(next, verified, job);
            }
          });
    }
  }

  private record LargeJob(List<Wanted> group, long order) {}

  private void fetch(LargeJob large, Map<String, Verified> verified, Job job) {
    var first = large.group().getFirst();
    var owner = instance + "/" + large.order();
    var task =
        new LargeFile(first.copies(), first.file(), job, store, engine, owner, large.order());
    try {
      var outcome = task.run();
      done(large.group(), outcome.verified(), outcome.isNew(), verified, job, first.file().size());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      job.fail(e);
    }
  }

  private void await(
      int files, Map<String, Verified> verified, Job job, Watcher watcher, long total)
      throws InterruptedException {
    while (true) {
      boolean isDone = verified.size() == files;
      job.tell(watcher);
      watcher.tick(link.progress(job, engine, total));
      var failure = job.failure();
      if (failure != null) {
        throw rethrown(failure);
      }
      if (isDone) {
        job.tellLast(watcher);
        return;
      }
      for (int i = 0; i < TICK_MILLIS && verified.size() < files && job.failure() == null; i += 5) {
        Thread.sleep(5);
      }
    }
  }

  private static List<Map<HubFile, Verified>> results(
      Collection<PlannedDownload> downloads, Map<String, Verified> verified) {
    var results = new ArrayList<Map<HubFile, Verified>>();
    for (var download : downloads) {
      var files = new LinkedHashMap<HubFile, Verified>();
      for (var file : download.plan().files()) {
        var one = verified.get(new Wanted(download.copies(), file).identity());
        if (one == null) {
          throw new IllegalStateException("neither found nor fetched: " + file.path());
        }
        files.put(file, one);
      }
      results.add(files);
    }
    return results;
  }

  /**
   * The parts of an upload lie where they belong in the object, so that it takes its size and no
   * more; only one whose key is not known before the last byte is copied. Where something is there
   * already nothing is refused: what was interrupted goes on, and waits for room if it has to.
   */
  private void requireDisk(List<List<Wanted>> missing) {
    long sum = missing.stream().mapToLong(group -> group.getFirst().file().size()).sum();
    long copied =
        missing.stream()
            .map(group -> group.getFirst().file())
            .filter(file -> file.sha256() == null && !SmallFile.fits(file))
            .mapToLong(HubFile::size)
            .max()
            .orElse(0);
    long free = archive.freeBytes().orElse(Long.MAX_VALUE);
    if (sum > 0 && free < sum + copied && missing.stream().noneMatch(this::isBegun)) {
      throw new TransferException.DiskFull(sum, sum + copied, free);
    }
  }

  private boolean isBegun(List<Wanted> group) {
    var first = group.getFirst();
    if (SmallFile.fits(first.file())) {
      return false;
    }
    var target = Target.of(Archive.bucket(first.copies().listing().type()), first.file());
    return Claim.look(store, target).isPresent()
        || store.head(target.bucket(), target.key()).isPresent();
  }

  private static RuntimeException rethrown(Throwable e) throws InterruptedException {
    switch (e) {
      case InterruptedException stopped -> throw stopped;
      case ObjectStoreException.Unavailable unavailable
          when unavailable.getCause() instanceof InterruptedException -> {
        throw new InterruptedException("stopped while writing to the store");
      }
      case HubException failure -> throw failure;
      case RuntimeException failure -> throw failure;
      case Error error -> throw error;
      default -> throw new IllegalStateException(e);
    }
  }
}
