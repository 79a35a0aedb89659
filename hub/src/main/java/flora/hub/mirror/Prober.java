package flora.hub.mirror;

import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.schemas.RepoId;
import java.time.Duration;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Measures a place: five short questions, the first megabyte of a large file, and its commit beside
 * the hub's. It is looked at with the repository that was asked for last, which is one that matters
 * here.
 */
final class Prober {

  private static final int QUESTIONS = 5;
  private static final long RANGE = 1 << 20;

  private final MirrorBook book;
  private final MirrorProperties properties;
  private final AtomicReference<@Nullable RepoListing> last = new AtomicReference<>();

  Prober(MirrorBook book, MirrorProperties properties) {
    this.book = book;
    this.properties = properties;
  }

  /** Remembers a repository to measure with. */
  void seen(RepoListing listing) {
    last.set(listing);
  }

  ProbeResult probe(Place place) throws InterruptedException {
    var known = last.get();
    var repo = known == null ? new RepoId(properties.probeRepository()) : known.repo();
    var type = known == null ? RepoType.MODEL : known.type();
    var revision = known == null ? "main" : known.revision();
    var truth = new AtomicReference<@Nullable String>();
    Thread asksHub = null;
    if (!place.isOrigin()) {
      asksHub = Thread.ofVirtual().start(() -> truth.set(originCommit(type, repo, revision)));
    }
    String commit = null;
    String trouble = null;
    boolean reachable = true;
    try {
      if (place.hasLists()) {
        commit = ask(place, type, repo, revision);
      }
      var listing = place.hasLists() ? place.client().listing(type, repo, revision, true) : known;
      if (listing == null) {
        trouble = "it has no lists, and nothing was fetched yet that it could be measured with";
      } else {
        measure(place, listing);
      }
    } catch (HubException.Unreachable e) {
      reachable = !e.host().equals(place.mirror().endpoint().getHost());
      trouble = e.getMessage();
    } catch (HubException e) {
      trouble = e.getMessage();
    }
    if (asksHub != null) {
      asksHub.join(Duration.ofSeconds(7));
    }
    var originCommit = place.isOrigin() ? commit : truth.get();
    return result(place, repo, reachable, commit, originCommit, trouble);
  }

  private @Nullable String originCommit(RepoType type, RepoId repo, String revision) {
    var origin = book.origin();
    try {
      var commit = origin.client().commit(type, repo, revision);
      origin.health().pages().succeeded();
      return commit;
    } catch (HubException e) {
      origin.health().pageFailed(e);
      return null;
    } catch (InterruptedException e) {
      return null;
    }
  }

  private static String ask(Place place, RepoType type, RepoId repo, String revision)
      throws InterruptedException {
    var commit = "";
    for (int i = 0; i < QUESTIONS; i++) {
      long start = System.nanoTime();
      try {
        commit = place.client().commit(type, repo, revision);
      } catch (HubException e) {
        place.health().pageFailed(e);
        throw e;
      }
      place.health().answered(Duration.ofNanos(System.nanoTime() - start));
    }
    return commit;
  }

  /** Where there are no pages to ask for, one byte of a file does. */
  private static void measure(Place place, RepoListing listing) throws InterruptedException {
    var files = listing.files();
    var large = files.stream().max(Comparator.comparingLong(HubFile::size));
    Optional<HubFile> small =
        files.stream().filter(f -> f.size() > 0).min(Comparator.comparingLong(HubFile::size));
    if (large.isEmpty() || small.isEmpty()) {
      return;
    }
    try {
      for (int i = 0; i < QUESTIONS && !place.hasLists(); i++) {
        long start = System.nanoTime();
        read(place, listing, small.get(), 1);
        place.health().answered(Duration.ofNanos(System.nanoTime() - start));
      }
      long length = Math.min(RANGE, large.get().size());
      long start = System.nanoTime();
      read(place, listing, large.get(), length);
      place.health().moved(length, Duration.ofNanos(System.nanoTime() - start));
    } catch (HubException e) {
      place.health().fileFailed(e);
      throw e;
    }
  }

  private static void read(Place place, RepoListing listing, HubFile file, long length)
      throws InterruptedException {
    var buffer = new byte[64 << 10];
    try (var stream = place.client().open(listing, file, 0, length)) {
      long left = length;
      while (left > 0) {
        int n = stream.read(buffer, 0, (int) Math.min(buffer.length, left));
        if (n < 0) {
          throw new HubException.Unreachable(
              place.name(), stream.host(), file.path() + " ended early", null);
        }
        left -= n;
      }
    }
  }

  private ProbeResult result(
      Place place,
      RepoId repo,
      boolean reachable,
      @Nullable String commit,
      @Nullable String originCommit,
      @Nullable String trouble) {
    var health = place.health();
    if (commit != null
        && originCommit != null
        && !place.isOrigin()
        && place.mirror().kind() == Site.Kind.HUGGINGFACE) {
      health.compared("probe " + repo, commit.equals(originCommit));
    }
    var status = book.status(place);
    var lost = health.lostHost();
    ProbeResult.Verdict verdict;
    String cause;
    if (!reachable) {
      verdict = ProbeResult.Verdict.UNREACHABLE;
      cause = String.valueOf(trouble);
    } else if (lost != null) {
      verdict = ProbeResult.Verdict.METADATA_ONLY;
      cause = "it answers, but its files lead to " + lost + ", which cannot be reached";
    } else if (trouble != null) {
      verdict = ProbeResult.Verdict.FAULTY;
      cause = trouble;
    } else if (status.lagging()) {
      verdict = ProbeResult.Verdict.LAGGING;
      cause =
          "its commit has been another than the hub's for %d s, more than hub.max-sync-lag-s: %d"
              .formatted(health.lagSeconds().orElse(0), properties.maxSyncLagS());
    } else if (status.slow()) {
      verdict = ProbeResult.Verdict.SLOW;
      cause =
          "one of twenty answers takes %d ms or more, and hub.max-p95-ms is %d"
              .formatted(health.latencyMillis(0.95).orElse(0), properties.maxP95Ms());
    } else {
      verdict = ProbeResult.Verdict.OK;
      cause = "it answers, and its bytes come";
    }
    return new ProbeResult(
        place.name(),
        reachable,
        status.p50Ms(),
        status.p95Ms(),
        status.bytesPerSecond(),
        repo.value(),
        commit,
        originCommit,
        status.lagSeconds(),
        verdict,
        cause);
  }
}
