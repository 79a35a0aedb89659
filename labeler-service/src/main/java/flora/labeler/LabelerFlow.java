package flora.labeler;

import flora.labeler.caption.Captioner;
import flora.labeler.dataset.Labelling;
import flora.labeler.image.ImageSet;
import flora.labeler.image.PictureReader;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.Stage;
import flora.schemas.dataset.DatasetManifest.Rejected;
import flora.schemas.fetch.RepoRole;
import flora.schemas.label.LabelEvent;
import flora.schemas.request.DatasetSource;
import flora.schemas.request.LabelOptions;
import flora.schemas.request.LabelOptions.Labeler;
import flora.schemas.request.RunRequest;
import flora.schemas.run.Head;
import flora.stage.StageContext;
import flora.stage.StageFlow;
import flora.store.ObjectStore;
import java.time.Clock;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * {@code label.requests.v1} → every picture of the dataset looked at, captions kept or made → an
 * immutable dataset version → {@code label.events.v1}. Done again over the same pictures it ends in
 * the same version.
 */
final class LabelerFlow implements StageFlow {

  private final ObjectStore store;
  private final LabelModels models;
  private final LabelerProperties properties;
  private final Clock clock;

  LabelerFlow(ObjectStore store, LabelModels models, LabelerProperties properties, Clock clock) {
    this.store = store;
    this.models = models;
    this.properties = properties;
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
    var images = images(dataset, context.head());
    long total = (long) images.pictures().size() + images.missing().size();
    context.publish(s -> new LabelEvent.Started(s.runId(), s.attempt(), s.seq(), s.at(), total));
    context.proceed();

    var listener = listener(context, total);
    try (var captioner = captioner(dataset.label(), images, context, listener)) {
      var pass =
          new Labelling(
              new PictureReader(
                  store, clock, properties.maxFileSize().toBytes(), properties.maxPixels()),
              captioner,
              dataset.label().rules().triggerWord(),
              properties.decodeThreads(),
              properties.batchSize(),
              listener);
      var version = pass.run(dataset.name(), images);
      context.proceed();
      version.write(store);
      context.proceed();
      version.makeLatest(store);
      return s ->
          new LabelEvent.Completed(
              s.runId(),
              s.attempt(),
              s.seq(),
              s.at(),
              dataset.name(),
              version.version(),
              pass.rows(),
              pass.rejectedCount(),
              version.reference());
    }
  }

  private ImageSet images(DatasetSource dataset, Head head) {
    return dataset.hub() == null
        ? ImageSet.incoming(store, dataset.name())
        : ImageSet.fetched(store, dataset.name(), LabelModels.snapshot(head, RepoRole.DATASET));
  }

  /** The label model, when a picture needs it. */
  private @Nullable Captioner captioner(
      LabelOptions options, ImageSet images, StageContext context, Labelling.Listener listener) {
    boolean wanted =
        options.labeler() != Labeler.NONE
            && images.pictures().stream()
                .anyMatch(p -> Optional.ofNullable(p.caption()).orElse("").isBlank());
    return wanted
        ? models.open(
            options,
            context.head(),
            () -> {
              listener.proceed();
              listener.progressed(0); // many labels take a while; nobody shall think it is stuck
            })
        : null;
  }

  private static Labelling.Listener listener(StageContext context, long total) {
    return new Labelling.Listener() {
      @Override
      public void proceed() {
        context.proceed();
      }

      @Override
      public void rejected(Rejected picture) {
        context.publish(
            s ->
                new LabelEvent.ImageRejected(
                    s.runId(), s.attempt(), s.seq(), s.at(), picture.fileName(), picture.reason()));
      }

      @Override
      public void progressed(long done) {
        context.progress(
            s -> new LabelEvent.Progressed(s.runId(), s.attempt(), s.seq(), s.at(), done, total));
      }
    };
  }
}
