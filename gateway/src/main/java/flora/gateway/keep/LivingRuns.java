package flora.gateway.keep;

import flora.gateway.run.RunView;
import flora.hub.RepoType;
import flora.hub.archive.Blob;
import flora.hub.plan.PlanException;
import flora.hub.plan.WantedRepo;
import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.Stage;
import flora.schemas.fetch.RepoManifest;
import flora.schemas.fetch.RepoRole;
import flora.schemas.fetch.Snapshot;
import flora.schemas.run.Head;
import flora.schemas.run.Run;
import flora.schemas.run.StageState;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.store.ObjectStore;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/** Finds out what runs need that have not ended. */
@Component
final class LivingRuns {

  private final BooleanSupplier known;
  private final Supplier<Collection<Run>> all;
  private final ObjectStore store;

  @Autowired
  LivingRuns(RunView view, ObjectStore store) {
    this(view::isCaughtUp, view::all, store);
  }

  LivingRuns(BooleanSupplier known, Supplier<Collection<Run>> all, ObjectStore store) {
    this.known = known;
    this.all = all;
    this.store = store;
  }

  /** Whether all runs are known. */
  boolean areKnown() {
    return known.getAsBoolean();
  }

  InUse read() {
    var repos = new HashSet<InUse.Repo>();
    var commits = new HashSet<InUse.Commit>();
    var blobs = new HashSet<Blob.Id>();
    Map<InUse.Commit, Set<Blob.Id>> lists = new HashMap<>();
    boolean labelling = false;
    for (var run : all.get()) {
      var snapshots = snapshots(run.id());
      if (run.status().isTerminal()) {
        for (var snapshot : snapshots) {
          lists.computeIfAbsent(commit(snapshot), _ -> new HashSet<>()).add(id(snapshot));
        }
        continue;
      }
      labelling |= isLabelling(run);
      if (snapshots.isEmpty()) {
        repos.addAll(wanted(run));
      }
      for (var snapshot : snapshots) {
        commits.add(commit(snapshot));
        blobs.add(id(snapshot));
        blobs.addAll(files(snapshot.manifest()));
      }
    }
    return new InUse(repos, commits, blobs, lists, labelling);
  }

  private static boolean isLabelling(Run run) {
    var label = run.stages().get(Stage.LABEL);
    return label != null
        && (label.status() == StageState.Status.PENDING
            || label.status() == StageState.Status.RUNNING);
  }

  private List<Snapshot> snapshots(RunId id) {
    return store
        .read(StoreLayout.RUNS, StoreLayout.head(id))
        .map(stored -> Json.read(stored.bytes(), Head.class).fetch())
        .map(fetched -> fetched.snapshots())
        .orElse(List.of());
  }

  private static Set<InUse.Repo> wanted(Run run) {
    var repos = new HashSet<InUse.Repo>();
    try {
      var request = run.request();
      if (request != null) {
        for (var source : WantedRepo.of(request)) {
          repos.add(new InUse.Repo(source.type(), source.reference().repo()));
        }
      }
    } catch (PlanException e) {
      // it names something else than a repository, and will fail by that
    }
    return repos;
  }

  private Set<Blob.Id> files(ObjectRef manifest) {
    var ids = new HashSet<Blob.Id>();
    store
        .read(manifest.bucket(), manifest.key())
        .map(stored -> Json.read(stored.bytes(), RepoManifest.class))
        .ifPresent(list -> ids.addAll(blobs(manifest.bucket(), list.files())));
    return ids;
  }

  /** What a list of files refers to. */
  static Set<Blob.Id> blobs(String bucket, List<RepoManifest.Entry> files) {
    var ids = new HashSet<Blob.Id>();
    for (var file : files) {
      ids.add(new Blob.Id(bucket, file.sha256()));
      var original = file.convertedFrom();
      if (original != null) {
        ids.add(new Blob.Id(bucket, original.sha256()));
      }
    }
    return ids;
  }

  private static InUse.Commit commit(Snapshot snapshot) {
    var type = snapshot.role() == RepoRole.DATASET ? RepoType.DATASET : RepoType.MODEL;
    return new InUse.Commit(new InUse.Repo(type, snapshot.repo()), snapshot.commit());
  }

  private static Blob.Id id(Snapshot snapshot) {
    return new Blob.Id(snapshot.manifest().bucket(), snapshot.manifest().sha256());
  }
}
