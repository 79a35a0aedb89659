package flora.labeler;

import flora.labeler.caption.Captioner;
import flora.labeler.dataset.Plan;
import flora.labeler.image.PictureReader;
import flora.labeler.spool.FileIndex;
import flora.labeler.work.Entry;
import flora.labeler.work.ShardRow;
import flora.labeler.work.ShardSettings;
import flora.labeler.work.ShardWork;
import flora.models.image.DecodeLimits;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Animated;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.run.Head;
import flora.stage.StageContext;
import flora.store.ObjectStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Looks at the pictures that a plan has left open, a part of them at a time. */
final class Labelling {

  /** Opens the models of a run; see {@link LabelModels#open}. */
  @FunctionalInterface
  interface Opener {
    Captioner open(LabelOptions options, Head head, Runnable beat);
  }

  private final ObjectStore store;
  private final Opener models;
  private final LabelerProperties properties;
  private final Clock clock;

  Labelling(ObjectStore store, Opener models, LabelerProperties properties, Clock clock) {
    this.store = store;
    this.models = models;
    this.properties = properties;
    this.clock = clock;
  }

  private PictureReader reader(LabelOptions options) {
    return new PictureReader(
        store,
        clock,
        properties.maxFileSize().toBytes(),
        DecodeLimits.DEFAULT
            .withMaxPixels(properties.maxPixels())
            .withRejectAnimated(options.animated() == Animated.REJECT));
  }

  /** How the pictures of a dataset are worked on. */
  ShardSettings settings(DatasetSource dataset, Head head) {
    var options = dataset.label();
    return new ShardSettings(
        properties.batchSize(),
        properties.decodeThreads(),
        options.labeler() == Labeler.NONE ? options.rules().triggerWord() : null,
        options.target(),
        dataset.checkOnly() ? null : LabelModels.recipe(options, head),
        dataset.checkOnly());
  }

  /** Whether a model is asked for captions. */
  static boolean makesCaptions(DatasetSource dataset) {
    return !dataset.checkOnly() && dataset.label().labeler() != Labeler.NONE;
  }

  /** Looks at what is open, and tells how far it is. */
  void run(
      DatasetSource dataset,
      ShardSettings settings,
      Plan plan,
      FileIndex<ShardRow> results,
      StageContext context)
      throws InterruptedException {
    long known = plan.size() - plan.open();
    tell(context, known, plan.size());
    try (var captioner = captioner(dataset, plan, context)) {
      var work = new ShardWork(reader(dataset.label()), captioner, settings, System::nanoTime);
      for (var entries = plan.entries(); entries.hasNext(); ) {
        work.run(
            part(entries).iterator(),
            row -> {
              results.add(row);
              tell(context, known + results.size(), plan.size());
            },
            context::proceed);
      }
    }
  }

  private List<Entry> part(Iterator<Entry> entries) {
    var part = new ArrayList<Entry>();
    while (entries.hasNext() && part.size() < properties.shardSize()) {
      part.add(entries.next());
    }
    return part;
  }

  /** The label model, when a picture needs it. */
  private @Nullable Captioner captioner(DatasetSource dataset, Plan plan, StageContext context) {
    return plan.toCaption() == 0
        ? null
        : models.open(
            dataset.label(),
            context.head(),
            () -> {
              context.proceed();
              // many labels take a while; nobody shall think it is stuck
              tell(context, plan.size() - plan.open(), plan.size());
            });
  }

  private static void tell(StageContext context, long done, long total) {
    context.progress(
        s -> new LabelEvent.Progressed(s.runId(), s.attempt(), s.seq(), s.at(), done, total));
  }
}
