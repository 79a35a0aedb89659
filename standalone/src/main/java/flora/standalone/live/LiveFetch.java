package flora.standalone.live;

import flora.fetcher.download.DownloadSettings;
import flora.fetcher.download.Downloader;
import flora.fetcher.download.Progress;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RetryPolicy;
import flora.hub.archive.Verified;
import flora.hub.mirror.Mirror;
import flora.hub.mirror.Mirrors;
import flora.hub.plan.Patterns;
import flora.hub.plan.PlannedDownload;
import flora.hub.plan.Planner;
import flora.hub.plan.WantedRepo;
import flora.schemas.PipelineException;
import flora.schemas.Sha256;
import flora.schemas.fetch.RepoRole;
import flora.schemas.request.ModelSource.Preset;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import flora.store.memory.MemoryObjectStore;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Function;

/**
 * Fetches a tiny repository from the hub and from each mirror alone, with the engine that the
 * fetcher has, into memory, and writes down what happened.
 */
public final class LiveFetch {

  /** What is larger was not meant. */
  private static final long LARGEST = 64 << 20;

  /** Whoever looks at the transcript waits for it. */
  public static final RetryPolicy PATIENCE =
      new RetryPolicy(2, Duration.ofMillis(500), Duration.ofSeconds(10));

  private final PrintStream out;
  private final Mirrors mirrors;
  private final Clock clock;
  private final Duration limit;
  private final Map<String, Map<String, Sha256>> digests = new LinkedHashMap<>();

  /**
   * @param out where the transcript goes
   * @param mirrors to be tried, the hub first
   * @param limit for each of them
   */
  public LiveFetch(PrintStream out, Mirrors mirrors, Clock clock, Duration limit) {
    this.out = out;
    this.mirrors = mirrors;
    this.clock = clock;
    this.limit = limit;
  }

  /**
   * Tries all places, one after the other.
   *
   * @param samples what to fetch from each
   * @return {@link Outcome#exitCode}
   */
  public int run(Function<Mirror, Sample> samples) throws InterruptedException {
    out.printf("Live fetch at %s. Each place is asked alone; nothing is kept.%n", clock.instant());
    var outcomes = new LinkedHashMap<String, Outcome>();
    for (var status : mirrors.list()) {
      var mirror = status.mirror();
      outcomes.put(mirror.name(), trial(mirror, samples.apply(mirror)));
    }
    out.println();
    var counts = new ArrayList<String>();
    for (var outcome : Outcome.values()) {
      long n = outcomes.values().stream().filter(o -> o == outcome).count();
      counts.add(n + " " + outcome.word());
    }
    out.printf("%d places: %s%n", outcomes.size(), String.join(", ", counts));
    return Outcome.exitCode(outcomes.values());
  }

  private Outcome trial(Mirror mirror, Sample sample) throws InterruptedException {
    out.printf("%n%s  %s%n", mirror.name(), mirror.endpoint());
    line("repository", sample.repo() + " (" + String.join(" ", sample.files()) + ")");
    var start = System.nanoTime();
    var listed = new AtomicBoolean();
    var fetching = new FutureTask<>(() -> fetch(mirror, sample, listed));
    var thread = Thread.ofVirtual().name("live-" + mirror.name()).start(fetching);
    try {
      return fetching.get(limit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      thread.interrupt();
      return failed(
          listed.get(), start, Outcome.UNREACHABLE, "no end within " + limit.toSeconds() + " s");
    } catch (ExecutionException e) {
      return e.getCause() instanceof PipelineException known
          ? failed(listed.get(), start, Outcome.of(known), String.valueOf(known.getMessage()))
          : failed(listed.get(), start, Outcome.FAULTY, String.valueOf(e.getCause()));
    }
  }

  private Outcome failed(boolean isListed, long start, Outcome outcome, String why) {
    line(isListed ? "fetched" : "reachable", "no, after " + seconds(start) + ": " + why);
    line("outcome", outcome.word());
    return outcome;
  }

  private Outcome fetch(Mirror mirror, Sample sample, AtomicBoolean listed)
      throws InterruptedException {
    var start = System.nanoTime();
    var download = new Planner(mirrors::locate, PATIENCE).plan(wanted(mirror, sample));
    var listing = download.plan().listing();
    line(
        "reachable",
        "yes, after %s: %s is %s, %d files"
            .formatted(
                seconds(start), listing.revision(), listing.commit(), listing.files().size()));
    listed.set(true);
    if (download.plan().bytes() > LARGEST) {
      return failed(
          true,
          start,
          Outcome.REFUSED,
          "%d bytes are no tiny repository".formatted(download.plan().bytes()));
    }
    start = System.nanoTime();
    var watcher = new Telling();
    run(download, watcher);
    line(
        "fetched",
        "%d files, %d bytes in %s"
            .formatted(watcher.digests.size(), download.plan().bytes(), seconds(start)));
    compare(mirror, sample, watcher.digests);
    line("outcome", Outcome.VERIFIED.word());
    return Outcome.VERIFIED;
  }

  private static WantedRepo wanted(Mirror mirror, Sample sample) {
    return new WantedRepo(
        "model.base_model",
        RepoRole.BASE_MODEL,
        sample.repo(),
        new Patterns(sample.files(), List.of()),
        Preset.EVERYTHING,
        mirror.name(),
        false);
  }

  private void run(PlannedDownload download, Downloader.Watcher watcher)
      throws InterruptedException {
    ObjectStore store = new MemoryObjectStore(clock);
    StoreLayout.BUCKETS.forEach(store::ensureBucket);
    new Downloader(store, DownloadSettings.DEFAULT.with(PATIENCE), clock)
        .run(List.of(download), watcher);
  }

  /** A mirror may be behind; that is no fault, but worth knowing. */
  private void compare(Mirror mirror, Sample sample, Map<String, Sha256> found) {
    var first = digests.putIfAbsent(sample.repo().toString(), found);
    if (first == null) {
      return;
    }
    var other =
        found.entrySet().stream()
            .filter(e -> !e.getValue().equals(first.getOrDefault(e.getKey(), e.getValue())))
            .map(Map.Entry::getKey)
            .toList();
    line(
        "compared",
        other.isEmpty()
            ? "the same bytes as before"
            : mirror.name() + " has other bytes of " + String.join(", ", other));
  }

  private void line(String what, String text) {
    out.printf("  %-11s %s%n", what, text.replaceAll("\\p{Cntrl}+", " "));
  }

  private static String seconds(long startNanos) {
    return "%.2f s".formatted((System.nanoTime() - startNanos) / 1e9);
  }

  /** Writes down each file. */
  private final class Telling implements Downloader.Watcher {
    private final Map<String, Sha256> digests = new LinkedHashMap<>();

    @Override
    public void verified(RepoListing listing, HubFile file, Verified verified, boolean isNew) {
      digests.put(file.path(), verified.sha256());
      line(
          "file",
          "%s  %d bytes  sha256 %s  checked by %s"
              .formatted(file.path(), verified.size(), verified.sha256(), verified.verifiedBy()));
    }

    @Override
    public void tick(Progress progress) {}

    @Override
    public void mismatched(
        RepoListing listing, HubFile file, String source, String expected, String received) {
      line("wrong", "%s: expected %s, received %s".formatted(file.path(), expected, received));
    }
  }
}
