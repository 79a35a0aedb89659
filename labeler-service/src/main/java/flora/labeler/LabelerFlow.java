package flora.labeler;

import flora.labeler.dataset.DatasetVersion;
import flora.labeler.dataset.Merged;
import flora.labeler.dataset.Plan;
import flora.labeler.dataset.Planner;
import flora.labeler.dataset.SharedPlan;
import flora.labeler.dataset.Sidecars;
import flora.labeler.image.DatasetException;
import flora.labeler.image.ImageSet;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.ShardRow;
import flora.models.aten.NativeHeap;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Stage;
import flora.schemas.fetch.RepoRole;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.RunRequest;
import flora.stage.StageContext;
import flora.stage.StageFlow;
import flora.store.ObjectStore;
import java.nio.file.Path;
import java.time.Clock;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;

/**
 * {@code label.requests.v1} → every picture of the dataset looked at that the newest version does
 * not know, captions kept or made → an immutable dataset version → {@code label.events.v1}. Done
 * again over the same pictures it ends in the same version.
 */
final class LabelerFlow implements StageFlow {

  private static final String OLDER =
      "a version of later pictures is the newest one: %s was made, and is not";

  private final ObjectStore store;
  private final Labelling labelling;
  private final SharedLabelling shards;
  private final Path folder;
  private final Clock clock;
  private final Checking checking;

  /**
   * The flow.
   *
   * @param shards for labellings that are shared with others
   * @param checking of what has come of it
   * @param folder of this machine, for what does not fit into memory
   */
  LabelerFlow(
      ObjectStore store,
      Labelling labelling,
      SharedLabelling shards,
      Checking checking,
      Path folder,
      Clock clock) {
    this.checking = checking;
    this.store = store;
    this.shards = shards;
    this.labelling = labelling;
    this.folder = folder;
    this.clock = clock;
  }

  @Override
  public Stage stage() {
    return Stage.LABEL;
  }

  @Override
  public Function<EventStamp, Event> run(RunRequest request, StageContext context)
      throws InterruptedException {
    var dataset = Objects.requireNonNull(request.dataset(), "a run without a dataset");
    var job = labelling.job(dataset, context.head());
    try (var work = WorkFolder.in(folder)) {
      var shared = SharedPlan.read(store, context.runId(), job.recipe());
      var plan =
          shared.isPresent()
              ? goOn(shared.get(), job, work, context)
              : plan(dataset, job, work, context);
      if (shared.isEmpty() && shards.areWorthwhile(plan)) {
        shared = shards.cut(plan, job, work, context);
      }
      var progress = new LabelProgress(plan, context);
      var results = work.index(ShardRow.class);
      var byName = results.by(ShardRow::fileName);
      if (shared.isPresent()) {
        plan = Plan.of(store, shared.get(), work); // another attempt may have been faster
        shards.run(shared.get(), job, work, results::add, progress);
      } else {
        job.run(plan.entries(), progress.counting(results::add), context::proceed);
      }
      var merged = Merged.of(plan, results, byName, work);
      if (dataset.checkOnly()) {
        var looked = checking.look(request, context, merged, null, plan.listing());
        return looked(dataset, merged, plan, looked);
      }
      tellRejected(dataset, merged, context);

      var version = DatasetVersion.of(dataset.name(), merged, work);
      context.proceed();
      if (dataset.label().sidecars()) {
        Sidecars.write(store, version, merged, context::proceed);
      }
      version.write(store);
      var checked = checking.look(request, context, merged, version.version(), plan.listing());
      context.proceed();
      boolean newest = version.makeLatest(store, plan.listedAt());
      checked.refuseTraining();
      return completed(dataset, version, merged, plan, checked, newest);
    } finally {
      job.rest();
      NativeHeap.giveBack();
    }
  }

  /** With what an attempt before has planned. */
  private Plan goOn(SharedPlan shared, Labelling.Job job, WorkFolder work, StageContext context) {
    var plan = Plan.of(store, shared, work);
    LabelProgress.started(context, plan.size(), job.warnings());
    context.proceed();
    return plan;
  }

  private Plan plan(DatasetSource dataset, Labelling.Job job, WorkFolder work, StageContext context)
      throws InterruptedException {
    var listedAt = clock.instant();
    var images =
        dataset.hub() == null
            ? ImageSet.incoming(store, dataset.name(), work)
            : ImageSet.fetched(
                store,
                dataset.name(),
                LabelModels.snapshot(context.head(), RepoRole.DATASET),
                work);
    LabelProgress.started(context, images.size() + images.missing().size(), job.warnings());
    context.proceed();
    return Planner.plan(
        store, dataset.name(), images, listedAt, job.rules(), work, context::proceed);
  }

  private static void tellRejected(DatasetSource dataset, Merged merged, StageContext context) {
    if (merged.labelled() == 0) {
      var first = merged.rejected().iterator().next();
      throw new DatasetException.Empty(
          dataset.name(),
          "%d left out, the first is %s: %s"
              .formatted(merged.left(), first.fileName(), first.reason()));
    }
    for (var why : merged.rejected()) {
      context.publish(
          s ->
              new LabelEvent.ImageRejected(
                  s.runId(), s.attempt(), s.seq(), s.at(), why.fileName(), why.reason()));
    }
  }

  /** No version was asked for. */
  private static Function<EventStamp, Event> looked(
      DatasetSource dataset, Merged merged, Plan plan, Checking.Checked checked) {
    return s ->
        new LabelEvent.Completed(
            s.runId(),
            s.attempt(),
            s.seq(),
            s.at(),
            dataset.name(),
            null,
            merged.labelled(),
            merged.left(),
            null,
            checked.reference(),
            null,
            plan.kept(),
            Checking.together(checked.warnings(), List.of()));
  }

  private static Function<EventStamp, Event> completed(
      DatasetSource dataset,
      DatasetVersion version,
      Merged merged,
      Plan plan,
      Checking.Checked checked,
      boolean newest) {
    return s ->
        new LabelEvent.Completed(
            s.runId(),
            s.attempt(),
            s.seq(),
            s.at(),
            dataset.name(),
            version.version(),
            merged.labelled(),
            merged.left(),
            version.reference(),
            checked.reference(),
            merged.made(),
            plan.kept(),
            Checking.together(
                newest ? List.of() : List.of(OLDER.formatted(version.version())),
                checked.warnings()));
  }
}
