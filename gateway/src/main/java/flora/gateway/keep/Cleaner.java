package flora.gateway.keep;

import flora.gateway.GatewayProperties;
import flora.gateway.error.Refusal;
import flora.hub.RepoType;
import flora.hub.archive.Archive;
import flora.hub.archive.Blob;
import flora.hub.archive.BlobRemoval;
import flora.hub.archive.Inventory;
import flora.hub.archive.KeptRepo;
import flora.schemas.Json;
import flora.schemas.Sha256;
import flora.schemas.dataset.DatasetManifest;
import flora.schemas.store.StoreLayout;
import flora.store.Claim;
import flora.store.ObjectInfo;
import flora.store.ObjectStore;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * Makes room: commits go in the order of their last use until the quota is kept, then what nothing
 * refers to. The manifest of a commit goes before its files, so half a commit is never seen; what
 * is left when it is killed is an orphan, which a later clean-up finds.
 */
@Component
final class Cleaner {

  private static final Logger log = LoggerFactory.getLogger(Cleaner.class);
  private static final Duration CLAIM = Duration.ofMinutes(5);
  private static final int BATCH = 64;
  private static final String JSON = "application/json";

  private final ObjectStore store;
  private final Archive archive;
  private final Inventory inventory;
  private final LivingRuns runs;
  private final Clock clock;
  private final GatewayProperties.Clean settings;
  private final String owner;

  @Autowired
  Cleaner(ObjectStore store, LivingRuns runs, Clock clock, GatewayProperties properties) {
    this(store, runs, clock, properties.instance(), properties.clean());
  }

  Cleaner(
      ObjectStore store,
      LivingRuns runs,
      Clock clock,
      String instance,
      GatewayProperties.Clean settings) {
    this.store = store;
    archive = new Archive(store);
    inventory = new Inventory(store);
    this.runs = runs;
    this.clock = clock;
    this.settings = settings;
    owner = "gateway-" + instance;
  }

  /** What was wanted when the plan was made: whatever differs later has been wanted since. */
  private record Uses(Map<RepoType, Map<String, KeptRepo.Touch>> byType) {}

  /**
   * Cleans up.
   *
   * @param dryRun only say what would go
   * @param quota bytes that may stay; null = the configured quota, if there is one
   * @throws Refusal.Busy when another gateway is at it
   * @throws Refusal.NotReady before all runs are known
   */
  CleanReport clean(boolean dryRun, @Nullable Long quota) {
    var configured = settings.quota();
    var limit = quota != null || configured == null ? quota : Long.valueOf(configured.toBytes());
    if (!runs.areKnown()) {
      throw new Refusal.NotReady("not all runs are known yet, so nobody can say what is in use");
    }
    if (dryRun) {
      return CleanReport.planned(plan(uses(), limit), limit);
    }
    var claim =
        Claim.take(store, clock, StoreLayout.MODELS, StoreLayout.cleaning(), owner, CLAIM)
            .orElseThrow(() -> new Refusal.Busy("a clean-up is under way already"));
    try {
      return carryOut(claim, limit);
    } finally {
      claim.release();
    }
  }

  private CleanPlan plan(Uses uses, @Nullable Long quota) {
    var repos = new ArrayList<KeptRepo>();
    for (var type : RepoType.values()) {
      repos.addAll(inventory.repositories(type));
    }
    var blobs = new HashMap<Blob.Id, Blob>();
    blobs.putAll(inventory.blobs(StoreLayout.MODELS));
    blobs.putAll(inventory.blobs(StoreLayout.DATASETS));
    var rules =
        new CleanPlan.Rules(quota, clock.instant(), settings.minAge(), settings.orphanAge());
    var inUse = runs.read();
    var wanted = new HashSet<Blob.Id>();
    uses.byType()
        .forEach(
            (type, touches) ->
                touches.forEach(
                    (key, touch) -> {
                      if (touch.at().isAfter(rules.now().minus(rules.minAge()))) {
                        wanted.addAll(inventory.wanted(type, key));
                      }
                    }));
    return CleanPlan.of(new CleanPlan.Stock(repos, blobs, versions(), wanted, inUse), rules);
  }

  private CleanReport carryOut(Claim claim, @Nullable Long quota) {
    var uses = uses();
    var plan = plan(uses, quota);
    var removed = new ArrayList<CleanReport.Removed>();
    var kept = new ArrayList<>(plan.stays().stream().map(CleanReport::kept).toList());
    var spared = new HashSet<Blob.Id>();
    for (var going : plan.goes()) {
      if (remove(going, uses)) {
        removed.add(CleanReport.removed(going));
      } else {
        kept.add(CleanReport.stayed(going));
        spared.addAll(LivingRuns.blobs(Archive.bucket(going.repo().type()), going.files()));
      }
    }
    var blobs = new ArrayList<>(plan.blobs());
    blobs.addAll(plan.orphans());
    blobs.removeIf(blob -> spared.contains(blob.id()));
    var gone = removeBlobs(claim, blobs, uses);
    forget(plan, gone);
    sweepUses(plan, uses);
    var orphans = plan.orphans().stream().filter(gone::contains).toList();
    long freed = plan.blobs().stream().filter(gone::contains).mapToLong(Blob::size).sum();
    log.info(
        "cleaned up: {} commits and {} blobs are gone, {} commits stay",
        removed.size(),
        gone.size(),
        kept.size());
    return new CleanReport(
        "clean_report",
        false,
        quota,
        plan.before(),
        plan.before() - freed,
        removed,
        kept,
        orphans.size(),
        orphans.stream().mapToLong(Blob::size).sum(),
        plan.blobs().size() + plan.orphans().size() - gone.size());
  }

  /** Takes a commit away; false when somebody turned out to want it. */
  private boolean remove(CleanPlan.Going going, Uses uses) {
    var type = going.repo().type();
    var bucket = Archive.bucket(type);
    var folder = Archive.folder(type, going.repo().repo());
    var manifestKey = StoreLayout.manifest(folder, going.commit());
    var manifest = store.read(bucket, manifestKey);
    var refs = going.repo().refs().stream().filter(r -> r.commit().equals(going.commit())).toList();
    for (var ref : refs) {
      // one that has moved on since the plan was made is somebody else's
      if (archive.ref(type, going.repo().repo(), ref.revision()).filter(ref::equals).isPresent()) {
        store.delete(bucket, StoreLayout.ref(folder, ref.revision()));
      }
    }
    store.delete(bucket, manifestKey);
    if (!touchedSince(uses, type).contains(StoreLayout.used(folder, going.commit()))) {
      return true;
    }
    manifest.ifPresent(m -> store.putIfAbsent(bucket, manifestKey, m.bytes(), JSON));
    for (var ref : refs) {
      store.putIfAbsent(bucket, StoreLayout.ref(folder, ref.revision()), Json.bytes(ref), JSON);
    }
    return false;
  }

  private Set<Blob> removeBlobs(Claim claim, List<Blob> blobs, Uses uses) {
    var removal = new BlobRemoval(store, clock, owner);
    var gone = new HashSet<Blob>();
    for (int from = 0; from < blobs.size(); from += BATCH) {
      if (!claim.isFresh() && !claim.renew()) {
        log.warn("the clean-up was taken over by somebody else: it ends here");
        break;
      }
      var batch = blobs.subList(from, Math.min(blobs.size(), from + BATCH));
      gone.addAll(removal.remove(batch, () -> wantedSince(uses, batch)));
    }
    return gone;
  }

  /** What somebody has come to want since the plan was made. */
  private Set<Blob.Id> wantedSince(Uses uses, Collection<Blob> batch) {
    var wanted = new HashSet<Blob.Id>();
    for (var type : RepoType.values()) {
      for (var key : touchedSince(uses, type)) {
        wanted.addAll(inventory.wanted(type, key));
      }
    }
    if (runs.read().labelling()) {
      batch.stream()
          .map(Blob::id)
          .filter(id -> id.bucket().equals(StoreLayout.DATASETS))
          .forEach(wanted::add);
    }
    return wanted;
  }

  private Uses uses() {
    var byType = new EnumMap<RepoType, Map<String, KeptRepo.Touch>>(RepoType.class);
    for (var type : RepoType.values()) {
      byType.put(type, inventory.uses(type));
    }
    return new Uses(byType);
  }

  private Set<String> touchedSince(Uses uses, RepoType type) {
    var before = uses.byType().getOrDefault(type, Map.of());
    var touched = new HashSet<String>();
    inventory
        .uses(type)
        .forEach(
            (key, touch) -> {
              if (!touch.equals(before.get(key))) {
                touched.add(key);
              }
            });
    return touched;
  }

  /** What told the blob of a file that a hub names by its git id alone, or of a pickle. */
  private void forget(CleanPlan plan, Set<Blob> gone) {
    var ids = gone.stream().map(Blob::id).collect(Collectors.toSet());
    for (var going : plan.goes()) {
      var bucket = Archive.bucket(going.repo().type());
      for (var file : going.files()) {
        var git = file.gitSha1();
        if (git != null && ids.contains(new Blob.Id(bucket, file.sha256()))) {
          store.delete(bucket, StoreLayout.gitBlob(git));
        }
        var original = file.convertedFrom();
        if (original != null && ids.contains(new Blob.Id(bucket, file.sha256()))) {
          store.delete(bucket, StoreLayout.converted(original.sha256()));
        }
      }
    }
  }

  /** Traces of commits that are not there; a fetch that is under way renews its own. */
  private void sweepUses(CleanPlan plan, Uses uses) {
    var oldest = clock.instant().minus(settings.orphanAge());
    var present = new HashSet<String>();
    for (var stay : plan.stays()) {
      var folder = Archive.folder(stay.repo().type(), stay.repo().repo());
      present.add(StoreLayout.used(folder, stay.commit()));
    }
    uses.byType()
        .forEach(
            (type, touches) ->
                touches.forEach(
                    (key, touch) -> {
                      if (!present.contains(key) && touch.at().isBefore(oldest)) {
                        store.delete(Archive.bucket(type), key);
                      }
                    }));
  }

  private Set<Blob.Id> versions() {
    var ids = new HashSet<Blob.Id>();
    try (var objects = store.list(StoreLayout.DATASETS, "datasets/")) {
      objects
          .map(ObjectInfo::key)
          .filter(key -> key.matches("datasets/[^/]+/versions/[^/]+/manifest\\.json"))
          .forEach(key -> images(key).forEach(i -> ids.add(new Blob.Id(StoreLayout.DATASETS, i))));
    }
    return ids;
  }

  private List<Sha256> images(String key) {
    return store
        .read(StoreLayout.DATASETS, key)
        .map(stored -> Json.read(stored.bytes(), DatasetManifest.class))
        .map(manifest -> manifest.images().stream().map(DatasetManifest.Image::sha256).toList())
        .orElse(List.of());
  }
}
