package flora.hub.mirror;

import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.schemas.RepoId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Measures a place: five short questions, the first megabyte of a large file, and its commit beside
 * the hub's. It is looked at with the repositories that it was asked for last, which are those that
 * matter here; nobody hears the name of a repository that only others were asked for.
 */
final class Prober {

  private static final int QUESTIONS = 5;
  private static final long RANGE = 1 << 20;

  /** A place may lack what was asked for last. */
  private static final int REMEMBERED = 4;

  /**
   * What a place is measured with.
   *
   * @param listing as somebody has listed it; null before anything was
   */
  private record Subject(
      RepoType type, RepoId repo, String revision, @Nullable RepoListing listing) {

    static Subject of(RepoListing listing) {
      return new Subject(listing.type(), listing.repo(), listing.revision(), listing);
    }

    boolean is(Subject other) {
      return type == other.type && repo.equals(other.repo) && revision.equals(other.revision);
    }
  }

  private final MirrorBook book;
  private final MirrorProperties properties;
  private final Subject first;
  private final Map<String, List<Subject>> seen = new ConcurrentHashMap<>();

  Prober(MirrorBook book, MirrorProperties properties) {
    this.book = book;
    this.properties = properties;
    first = new Subject(RepoType.MODEL, new RepoId(properties.probeRepository()), "main", null);
  }

  /** Remembers a repository to measure those with who were asked for it. */
  void seen(RepoListing listing, List<Place> asked) {
    var subject = Subject.of(listing);
    for (var place : asked) {
      seen.merge(
          place.name(),
          List.of(subject),
          (before, now) ->
              Stream.concat(now.stream(), before.stream().filter(s -> !s.is(subject)))
                  .limit(REMEMBERED)
                  .toList());
    }
  }

  /** What to measure a place with: what it was asked for last, before what it need not have. */
  private List<Subject> subjects(Place place) {
    var subjects = new ArrayList<>(seen.getOrDefault(place.name(), List.of()));
    boolean isKnown = subjects.stream().anyMatch(s -> s.is(first));
    if (!isKnown && place.mirror().serves(first.repo().value())) {
      subjects.add(first);
    }
    return subjects;
  }

  private boolean mayAskHub(Subject subject) {
    return subject.is(first)
        || seen.getOrDefault(book.origin().name(), List.of()).stream().anyMatch(subject::is);
  }

  ProbeResult probe(Place place) throws InterruptedException {
    var subjects = subjects(place);
    if (subjects.isEmpty()) {
      return result(place, first, new Look(true, null, null), null);
    }
    Subject subject = subjects.getFirst();
    Look look = look(place, subject);
    for (var other : subjects.subList(1, subjects.size())) {
      if (!look.isLacking()) {
        break;
      }
      subject = other;
      look = look(place, subject);
    }
    String originCommit = null;
    if (place.isOrigin()) {
      originCommit = look.commit();
    } else if (look.reachable() && mayAskHub(subject)) {
      originCommit = originCommit(subject);
    }
    return result(place, subject, look, originCommit);
  }

  /**
   * What came of measuring with one repository.
   *
   * @param trouble what went wrong
   */
  private record Look(boolean reachable, @Nullable String commit, @Nullable HubException trouble) {

    /** It answers, and does not have that repository. */
    boolean isLacking() {
      return switch (trouble) {
        case null -> false;
        case HubException.RepoNotFound _,
            HubException.RevisionNotFound _,
            HubException.EntryNotFound _,
            HubException.Gated _,
            HubException.Withheld _,
            HubException.TokenRefused _ ->
            true;
        case HubException.Unreachable _,
            HubException.RateLimited _,
            HubException.OtherFile _,
            HubException.Protocol _ ->
            false;
      };
    }
  }

  private Look look(Place place, Subject subject) throws InterruptedException {
    String commit = null;
    try {
      var listing = subject.listing();
      if (listing == null && !place.hasLists()) {
        listing = originListing(subject);
      }
      if (place.hasLists()) {
        commit = ask(place, subject.type(), subject.repo(), subject.revision());
        place.health().pages().recovered();
        listing = place.client().listing(subject.type(), subject.repo(), subject.revision(), true);
      }
      if (listing != null) {
        measure(place, listing);
      }
      return new Look(true, commit, null);
    } catch (HubException.Unreachable e) {
      return new Look(!e.host().equals(place.mirror().endpoint().getHost()), commit, e);
    } catch (HubException e) {
      return new Look(true, commit, e);
    }
  }

  /** A place without lists can only be measured with somebody else's. */
  private @Nullable RepoListing originListing(Subject subject) throws InterruptedException {
    try {
      return book.origin()
          .client()
          .listing(subject.type(), subject.repo(), subject.revision(), true);
    } catch (HubException e) {
      return null;
    }
  }

  private @Nullable String originCommit(Subject subject) throws InterruptedException {
    var origin = book.origin();
    if (!origin.health().pages().allows()) {
      return null;
    }
    origin.health().pages().enter();
    try {
      var commit = origin.client().commit(subject.type(), subject.repo(), subject.revision());
      origin.health().pages().succeeded();
      return commit;
    } catch (HubException e) {
      origin.health().pageFailed(e);
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
      var sender = read(place, listing, large.get(), length);
      place.health().moved(sender, length, Duration.ofNanos(System.nanoTime() - start));
    } catch (HubException e) {
      place.health().fileFailed(e);
      throw e;
    }
  }

  /** Reads and forgets; who sent it. */
  private static String read(Place place, RepoListing listing, HubFile file, long length)
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
      return stream.host();
    }
  }

  private ProbeResult result(
      Place place, Subject subject, Look look, @Nullable String originCommit) {
    var health = place.health();
    var commit = look.commit();
    if (commit != null
        && originCommit != null
        && !place.isOrigin()
        && place.mirror().kind() == Site.Kind.HUGGINGFACE) {
      var key = Health.key(subject.type(), subject.repo(), subject.revision());
      health.compared(key, commit.equals(originCommit));
    }
    var status = book.status(place);
    var lost = health.lostHost();
    var trouble = look.trouble();
    ProbeResult.Verdict verdict;
    String cause;
    if (!look.reachable()) {
      verdict = ProbeResult.Verdict.UNREACHABLE;
      cause = String.valueOf(trouble == null ? null : trouble.getMessage());
    } else if (lost != null) {
      verdict = ProbeResult.Verdict.METADATA_ONLY;
      cause = "it answers, but its files lead to " + lost + ", which cannot be reached";
    } else if (trouble != null) {
      verdict = ProbeResult.Verdict.FAULTY;
      cause = String.valueOf(trouble.getMessage());
    } else if (status.p50Ms() == null) {
      verdict = ProbeResult.Verdict.FAULTY;
      cause = "there is nothing yet that it could be measured with";
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
        look.reachable(),
        status.p50Ms(),
        status.p95Ms(),
        status.bytesPerSecond(),
        subject.repo().value(),
        commit,
        originCommit,
        status.lagSeconds(),
        verdict,
        cause);
  }
}
