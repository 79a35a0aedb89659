package flora.gateway.keep;

import com.fasterxml.jackson.annotation.JsonProperty;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Blob;
import flora.hub.archive.KeptRepo;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.store.StoreLayout;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is to go: the commits that were not used for the longest time, until the quota is kept, and
 * blobs that nothing refers to. Pure.
 *
 * @param goes commits to remove, with the bytes that only they hold; in that order
 * @param stays all others, and why
 * @param blobs what the commits that go leave behind
 * @param orphans blobs that nothing has referred to for a while
 * @param before bytes of all repositories
 * @param after the same when all of it is gone
 */
record CleanPlan(
    List<Going> goes,
    List<Staying> stays,
    Set<Blob> blobs,
    Set<Blob> orphans,
    long before,
    long after) {

  /** Why a commit stays. */
  enum Reason {
    @JsonProperty("pinned")
    PINNED,
    @JsonProperty("in_use")
    IN_USE,
    @JsonProperty("recently_used")
    RECENTLY_USED,
    @JsonProperty("within_quota")
    WITHIN_QUOTA
  }

  record Going(KeptRepo repo, String commit, Instant lastUsed, long bytes) {

    /** Its files. */
    List<RepoManifest.Entry> files() {
      var snapshot = repo.snapshots().get(commit);
      return snapshot == null ? List.of() : snapshot.manifest().files();
    }
  }

  record Staying(KeptRepo repo, String commit, Instant lastUsed, long bytes, Reason reason) {}

  /**
   * By what the plan is made.
   *
   * @param quota bytes that may stay; null = all
   * @param now the time
   * @param minAge what was used within this time stays
   * @param orphanAge blobs that are younger may belong to something that is being written
   */
  record Rules(@Nullable Long quota, Instant now, Duration minAge, Duration orphanAge) {}

  /**
   * What there is.
   *
   * @param repos all repositories
   * @param blobs all blobs of both buckets
   * @param versions blobs that versions of datasets refer to
   * @param wanted blobs that somebody is after right now
   * @param inUse what runs need
   */
  record Stock(
      Collection<KeptRepo> repos,
      Map<Blob.Id, Blob> blobs,
      Set<Blob.Id> versions,
      Set<Blob.Id> wanted,
      InUse inUse) {}

  private record Candidate(
      KeptRepo repo, String commit, Instant lastUsed, Set<Blob.Id> ids, @Nullable Reason reason) {}

  static CleanPlan of(Stock stock, Rules rules) {
    var candidates = candidates(stock, rules);
    var references = new HashMap<Blob.Id, Integer>();
    candidates.forEach(c -> c.ids().forEach(id -> references.merge(id, 1, Integer::sum)));
    long before = bytes(stock, references.keySet());
    long total = before;

    // what stays in any case
    var held = new HashSet<>(stock.versions());
    held.addAll(stock.wanted());
    held.addAll(stock.inUse().blobs());

    var goes = new ArrayList<Going>();
    var stays = new ArrayList<Staying>();
    var leftBehind = new LinkedHashSet<Blob>();
    for (var candidate : candidates) {
      boolean fits = rules.quota() == null || total <= rules.quota();
      if (candidate.reason() != null || fits) {
        var reason = candidate.reason() == null ? Reason.WITHIN_QUOTA : candidate.reason();
        stays.add(
            new Staying(
                candidate.repo(),
                candidate.commit(),
                candidate.lastUsed(),
                bytes(stock, candidate.ids()),
                reason));
        continue;
      }
      long freed = 0;
      for (var id : candidate.ids()) {
        if (references.merge(id, -1, Integer::sum) == 0 && !held.contains(id)) {
          var blob = stock.blobs().get(id);
          if (blob != null) {
            leftBehind.add(blob);
            freed += blob.size();
          }
        }
      }
      total -= freed;
      goes.add(new Going(candidate.repo(), candidate.commit(), candidate.lastUsed(), freed));
    }
    references.forEach(
        (id, count) -> {
          if (count > 0) {
            held.add(id);
          }
        });
    return new CleanPlan(
        goes, stays, leftBehind, orphans(stock, rules, held, leftBehind), before, total);
  }

  private static List<Candidate> candidates(Stock stock, Rules rules) {
    var found = new ArrayList<Candidate>();
    for (var repo : stock.repos()) {
      var bucket = Archive.bucket(repo.type());
      repo.snapshots()
          .forEach(
              (commit, snapshot) -> {
                var key = commit(repo, commit);
                var ids = new HashSet<>(LivingRuns.blobs(bucket, snapshot.manifest().files()));
                ids.addAll(stock.inUse().lists().getOrDefault(key, Set.of()));
                var lastUsed = repo.lastUsed(commit);
                found.add(
                    new Candidate(repo, commit, lastUsed, ids, reason(stock, rules, repo, key)));
              });
    }
    found.sort(
        Comparator.comparing(Candidate::lastUsed)
            .thenComparing(c -> c.repo().repo().value())
            .thenComparing(Candidate::commit));
    return found;
  }

  private static InUse.Commit commit(KeptRepo repo, String commit) {
    return new InUse.Commit(new InUse.Repo(repo.type(), repo.repo()), commit);
  }

  private static @Nullable Reason reason(
      Stock stock, Rules rules, KeptRepo repo, InUse.Commit commit) {
    if (repo.isPinned(commit.commit())) {
      return Reason.PINNED;
    }
    // pictures that a run finds in the store already may be those of this dataset
    boolean isLookedAt = repo.type() == RepoType.DATASET && stock.inUse().labelling();
    if (isLookedAt
        || stock.inUse().commits().contains(commit)
        || stock.inUse().repos().contains(commit.repo())) {
      return Reason.IN_USE;
    }
    return repo.lastUsed(commit.commit()).isAfter(rules.now().minus(rules.minAge()))
        ? Reason.RECENTLY_USED
        : null;
  }

  private static Set<Blob> orphans(
      Stock stock, Rules rules, Set<Blob.Id> held, Set<Blob> leftBehind) {
    var oldest = rules.now().minus(rules.orphanAge());
    var orphans = new LinkedHashSet<Blob>();
    for (var blob : stock.blobs().values()) {
      boolean isBeingLookedAt =
          stock.inUse().labelling() && blob.bucket().equals(StoreLayout.DATASETS);
      if (!held.contains(blob.id())
          && !leftBehind.contains(blob)
          && !isBeingLookedAt
          && blob.modified().isBefore(oldest)) {
        orphans.add(blob);
      }
    }
    return orphans;
  }

  private static long bytes(Stock stock, Set<Blob.Id> ids) {
    return ids.stream()
        .map(stock.blobs()::get)
        .filter(Objects::nonNull)
        .mapToLong(Blob::size)
        .sum();
  }
}
