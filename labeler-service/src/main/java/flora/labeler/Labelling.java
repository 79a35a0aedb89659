package flora.labeler;

import flora.labeler.caption.Captioner;
import flora.labeler.image.PictureReader;
import flora.labeler.work.Entry;
import flora.labeler.work.Rows;
import flora.labeler.work.ShardRow;
import flora.labeler.work.ShardSettings;
import flora.labeler.work.ShardWork;
import flora.models.image.DecodeLimits;
import flora.models.weights.Int8Units;
import flora.schemas.Sha256;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Animated;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.LabelOptions.Precision;
import flora.schemas.run.Head;
import flora.store.ObjectStore;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;

/** Looks at parts of datasets, with the models that they need. */
final class Labelling {

  /** Opens the models of a run; see {@link LabelModels#open}. */
  @FunctionalInterface
  interface Opener {
    Captioner open(LabelOptions options, Head head, Runnable beat);
  }

  private static final String SLOW_INT8 =
      "precision: int8 tends to be slower than fp32 here: this processor has no instructions for"
          + " products of 8-bit numbers (VNNI or AMX, on ARM dot products). Say precision: fp32, or"
          + " run the labeler on a machine that has them";

  private final ObjectStore store;
  private final Opener models;
  private final LabelerProperties properties;
  private final Clock clock;
  private final Int8Units int8;
  private final Captioners captioners = new Captioners();

  /**
   * Labelling.
   *
   * @param int8 of this machine's processor
   */
  Labelling(
      ObjectStore store, Opener models, LabelerProperties properties, Clock clock, Int8Units int8) {
    this.int8 = int8;
    this.store = store;
    this.models = models;
    this.properties = properties;
    this.clock = clock;
  }

  /** The labelling of one run, as its request has it. */
  Job job(DatasetSource dataset, Head head) {
    var options = dataset.label();
    boolean captions = !dataset.checkOnly() && options.labeler() != Labeler.NONE;
    var settings =
        new ShardSettings(
            properties.batchSize(),
            properties.decodeThreads(),
            options.labeler() == Labeler.NONE ? options.rules().triggerWord() : null,
            options.target(),
            dataset.checkOnly() ? null : LabelModels.recipe(options, head),
            dataset.checkOnly(),
            options.animated() == Animated.REJECT);
    return new Job(options, head, settings, new Rows(settings, captions));
  }

  /** How the pictures of one run are looked at. */
  final class Job {

    private final LabelOptions options;
    private final Head head;
    private final ShardSettings settings;
    private final Rows rules;

    private Job(LabelOptions options, Head head, ShardSettings settings, Rows rules) {
      this.options = options;
      this.head = head;
      this.settings = settings;
      this.rules = rules;
    }

    /** Which caption counts. */
    Rows rules() {
      return rules;
    }

    /** What captions follow from beside the pictures. */
    Sha256 recipe() {
      var recipe = settings.recipe();
      return recipe == null ? Sha256.sum(new byte[0]) : recipe.digest();
    }

    /**
     * Looks at a part when it is its turn.
     *
     * @param rows given one for each entry, in their order
     * @param proceed called between pictures; throws to stop
     */
    void run(List<Entry> part, Consumer<ShardRow> rows, Runnable proceed)
        throws InterruptedException {
      try (var turn = captioners.turn(proceed)) {
        var captioner =
            part.stream().anyMatch(rules::needsModel)
                ? turn.captioner(recipe(), () -> models.open(options, head, proceed))
                : null;
        new ShardWork(reader(), captioner, settings, System::nanoTime)
            .run(part.iterator(), rows, proceed);
      }
    }

    /** What the person who asked should know before it begins. */
    List<String> warnings() {
      boolean isSlow =
          int8 == Int8Units.MISSING
              && options.precision() == Precision.INT8
              && !settings.lookOnly();
      return isSlow ? List.of(SLOW_INT8) : List.of();
    }

    /** Looks at everything, a part at a time. */
    void run(Iterator<Entry> entries, Consumer<ShardRow> rows, Runnable proceed)
        throws InterruptedException {
      while (entries.hasNext()) {
        var part = new ArrayList<Entry>();
        while (entries.hasNext() && part.size() < properties.shardSize()) {
          part.add(entries.next());
        }
        run(part, rows, proceed);
      }
    }

    /** Frees the models, unless somebody else is at them. */
    void rest() {
      captioners.dropUnlessUsed();
    }

    private PictureReader reader() {
      return new PictureReader(
          store,
          clock,
          properties.maxFileSize().toBytes(),
          DecodeLimits.DEFAULT
              .withMaxPixels(properties.maxPixels())
              .withRejectAnimated(settings.rejectAnimated()));
    }
  }
}
