package flora.hub.mirror;

import flora.hub.HubException;
import flora.hub.HubFile;
import flora.hub.RefSeen;
import flora.hub.RepoListing;
import flora.hub.RepoType;
import flora.hub.Site;
import flora.schemas.PipelineException;
import flora.schemas.RepoId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Asks several places for the same revision at once and decides whose list counts:
 *
 * <ol>
 *   <li>The hub's own, as soon as it is there.
 *   <li>Otherwise a mirror's: once one has answered, the hub (and mirrors that might have the hub's
 *       commit where the one that answered does not) have a short grace to come in, and no longer.
 *       A mirror that speaks the hub's language comes before one that does not, then by rank.
 *   <li>Nobody's, when all have refused or failed.
 * </ol>
 *
 * Whoever answers after the decision joins as a source. The hub is asked once, three seconds, while
 * there are mirrors.
 */
final class Search {

  private final RepoType type;
  private final RepoId repo;
  private final String revision;
  private final List<Place> places;
  private final boolean isKept;
  private final Duration grace;
  private final RefSeen refSeen;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final Map<Place, RepoListing> lists = new LinkedHashMap<>();
  private final Map<String, PipelineException> failures = new LinkedHashMap<>();
  private final Set<Place> pending = new HashSet<>();
  private @Nullable Located located;

  /**
   * @param isKept whether the revision was fetched before, which is better than waiting for a hub
   *     that has only mirrors without lists beside it
   * @param refSeen what the store says of the revision before anybody is asked
   */
  Search(
      RepoType type,
      RepoId repo,
      String revision,
      List<Place> places,
      boolean isKept,
      Duration grace,
      RefSeen refSeen) {
    this.type = type;
    this.repo = repo;
    this.revision = revision;
    this.places = places;
    this.isKept = isKept;
    this.grace = grace;
    this.refSeen = refSeen;
  }

  RepoId repo() {
    return repo;
  }

  /** What the store said of the revision that this repository has there. */
  RefSeen refSeen(RepoId listed) {
    return listed.equals(repo) ? refSeen : refSeen.elsewhere();
  }

  /** Whose list counts; empty when nobody has one. */
  Optional<Place> run() throws InterruptedException {
    boolean onlyOneLists = places.stream().filter(Place::hasLists).count() == 1;
    boolean filesAreElsewhere = isKept && places.size() > 1;
    boolean alone = onlyOneLists && !filesAreElsewhere;
    var now = new ArrayList<Place>();
    var resting = new ArrayList<Place>();
    for (var place : places) {
      if (!place.hasLists()) {
        continue;
      }
      if (alone || place.health().pages().allows()) {
        now.add(place);
        continue;
      }
      var cause = String.valueOf(place.health().pages().cause());
      var why = cause.replace(place.name() + " cannot be reached: ", "");
      failures.put(
          place.name(),
          new HubException.Unreachable(place.name(), "it was not asked again yet; " + why, null));
      resting.add(place);
    }
    ask(now, alone);
    var lister = decide();
    if (lister.isPresent() || resting.isEmpty() || (onlyOneLists && filesAreElsewhere)) {
      return lister;
    }
    // nobody else has it, so those are asked as well who were to be left alone
    ask(resting, alone);
    return decide();
  }

  private void ask(List<Place> some, boolean alone) {
    lock.lock();
    try {
      pending.addAll(some);
      some.forEach(place -> failures.remove(place.name()));
    } finally {
      lock.unlock();
    }
    for (var place : some) {
      Thread.ofVirtual().name("list-" + place.name()).start(() -> ask(place, alone));
    }
  }

  private void ask(Place place, boolean alone) {
    place.health().pages().enter();
    long start = System.nanoTime();
    try {
      var listing = place.client().listing(type, repo, revision, !alone && place.isOrigin());
      place.health().listed(Duration.ofNanos(System.nanoTime() - start));
      arrived(place, listing, null);
    } catch (HubException e) {
      place.health().pageFailed(e);
      arrived(place, null, e);
    } catch (InterruptedException e) {
      arrived(place, null, new HubException.Unreachable(place.name(), "it was stopped", e));
    } catch (RuntimeException e) {
      var why = "its answer could not be read: " + e.getClass().getSimpleName();
      arrived(place, null, new HubException.Protocol(place.name(), why));
    }
  }

  private void arrived(Place place, @Nullable RepoListing listing, @Nullable HubException failure) {
    lock.lock();
    try {
      pending.remove(place);
      if (failure != null) {
        failures.put(place.name(), failure);
      }
      if (listing != null) {
        lists.put(place, listing);
        compare();
        if (located != null) {
          located.add(place, listing);
        }
      }
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** Who is behind the hub shows when both are there. */
  private void compare() {
    var origin = lists.keySet().stream().filter(Place::isOrigin).findFirst();
    if (origin.isEmpty()) {
      return;
    }
    var truth = lists.get(origin.get());
    lists.forEach(
        (place, listing) -> {
          if (!place.isOrigin() && truth != null) {
            boolean sameCommits = place.mirror().kind() == Site.Kind.HUGGINGFACE;
            boolean agrees =
                sameCommits
                    ? truth.commit().equals(listing.commit())
                    : hasSameLargeFiles(truth, listing);
            place.health().compared(Health.key(type, repo, revision), agrees);
          }
        });
  }

  /** A place with commits of its own is up to date when its large files are those of the hub. */
  private static boolean hasSameLargeFiles(RepoListing truth, RepoListing other) {
    return truth.files().stream()
        .filter(file -> file.sha256() != null)
        .allMatch(
            file ->
                other
                    .file(file.path())
                    .filter(f -> f.compare(file) == HubFile.Likeness.SAME)
                    .isPresent());
  }

  private Optional<Place> decide() throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (lists.isEmpty() && !pending.isEmpty()) {
        changed.await();
      }
      long left = grace.toNanos();
      while (isWorthWaiting() && left > 0) {
        left = changed.awaitNanos(left);
      }
      return lists.keySet().stream()
          .min(
              Comparator.comparing((Place place) -> !place.isOrigin())
                  .thenComparing(place -> place.mirror().kind() != Site.Kind.HUGGINGFACE)
                  .thenComparing(Place.BEST_FIRST));
    } finally {
      lock.unlock();
    }
  }

  private boolean isWorthWaiting() {
    if (lists.isEmpty() || lists.keySet().stream().anyMatch(Place::isOrigin)) {
      return false;
    }
    boolean hasHubsCommit =
        lists.keySet().stream().anyMatch(p -> p.mirror().kind() == Site.Kind.HUGGINGFACE);
    return pending.stream()
        .anyMatch(
            p -> p.isOrigin() || (!hasHubsCommit && p.mirror().kind() == Site.Kind.HUGGINGFACE));
  }

  /** Everybody who was asked, or is tried for the files. */
  List<Place> places() {
    return places;
  }

  RepoListing listing(Place place) {
    lock.lock();
    try {
      var listing = lists.get(place);
      if (listing == null) {
        throw new IllegalStateException(place.name() + " has not listed it");
      }
      return listing;
    } finally {
      lock.unlock();
    }
  }

  /** From now on whoever answers joins this. */
  void join(Located chosen) {
    lock.lock();
    try {
      located = chosen;
      lists.forEach(chosen::add);
      places.stream().filter(place -> !place.hasLists()).forEach(place -> chosen.add(place, null));
    } finally {
      lock.unlock();
    }
  }

  /** Who refused or failed so far, and how. */
  Map<String, PipelineException> failures() {
    lock.lock();
    try {
      return new LinkedHashMap<>(failures);
    } finally {
      lock.unlock();
    }
  }

  /** What the hub itself answered instead of a list. */
  Optional<PipelineException> originsFailure() {
    var origin = places.stream().filter(Place::isOrigin).findFirst();
    return origin.map(place -> failures().get(place.name()));
  }
}
