package flora.labeler;

import flora.labeler.dataset.DatasetVersion;
import flora.labeler.dataset.Merged;
import flora.labeler.dataset.Plan;
import flora.labeler.image.DatasetException;
import flora.labeler.image.ImageSet;
import flora.labeler.spool.WorkFolder;
import flora.labeler.work.Rows;
import flora.labeler.work.ShardRow;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Stage;
import flora.schemas.fetch.RepoRole;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Head;
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
  private final Path folder;
  private final Clock clock;

  /**
   * The flow.
   *
   * @param folder of this machine, for what does not fit into memory
   */
  LabelerFlow(ObjectStore store, Labelling labelling, Path folder, Clock clock) {
    this.store = store;
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
    try (var work = WorkFolder.in(folder)) {
      var listedAt = clock.instant();
      var images = images(dataset, context.head(), work);
      long total = images.size() + images.missing().size();
      context.publish(s -> new LabelEvent.Started(s.runId(), s.attempt(), s.seq(), s.at(), total));
      context.proceed();

      var settings = labelling.settings(dataset, context.head());
      var rules = new Rows(settings, Labelling.makesCaptions(dataset));
      var plan = Plan.of(store, dataset.name(), images, rules, work, context::proceed);
      var results = work.index(ShardRow.class);
      var byName = results.by(ShardRow::fileName);
      labelling.run(dataset, settings, plan, results, context);
      var merged = Merged.of(plan, results, byName, work);
      tellRejected(dataset, merged, context);

      var version = DatasetVersion.of(dataset.name(), merged, work);
      context.proceed();
      version.write(store);
      context.proceed();
      boolean newest = version.makeLatest(store, listedAt);
      return completed(dataset, version, merged, plan, newest);
    }
  }

  private ImageSet images(DatasetSource dataset, Head head, WorkFolder work) {
    return dataset.hub() == null
        ? ImageSet.incoming(store, dataset.name(), work)
        : ImageSet.fetched(
            store, dataset.name(), LabelModels.snapshot(head, RepoRole.DATASET), work);
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

  private static Function<EventStamp, Event> completed(
      DatasetSource dataset, DatasetVersion version, Merged merged, Plan plan, boolean newest) {
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
            null,
            merged.made(),
            plan.kept(),
            newest ? null : List.of(OLDER.formatted(version.version())));
  }
}
