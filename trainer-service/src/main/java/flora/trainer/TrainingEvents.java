package flora.trainer;

import flora.models.image.RgbImage;
import flora.schemas.Event;
import flora.schemas.EventStamp;
import flora.schemas.run.Control;
import flora.schemas.store.ObjectRef;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.schemas.training.TrainingEvent;
import flora.stage.StageContext;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import flora.trainer.checkpoint.Journal;
import flora.trainer.checkpoint.Judged;
import flora.trainer.checkpoint.Saves;
import flora.trainer.checkpoint.TrainingState;
import flora.trainer.recipe.TrainedAdapter;
import flora.trainer.recipe.TrainingWatch;
import flora.trainer.watch.TrainingLog;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.LongSupplier;
import javax.imageio.ImageIO;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Turns what a recipe tells into events of the run. */
final class TrainingEvents implements TrainingWatch {

  private static final Logger log = LoggerFactory.getLogger(TrainingEvents.class);

  private final StageContext context;
  private final Saves saves;
  private final Keeping store;
  private final StepMeter meter;
  private final TrainingLog curves;
  private final int samplesPerStep;
  private volatile double smoothedLoss;

  /**
   * @param samplesPerStep of the effective batch
   * @param nanoTime a clock that only runs forward, nanoseconds
   */
  TrainingEvents(
      StageContext context,
      Saves saves,
      Keeping store,
      TrainingLog curves,
      int samplesPerStep,
      LongSupplier nanoTime) {
    this.context = context;
    this.saves = saves;
    this.store = store;
    this.curves = curves;
    this.samplesPerStep = samplesPerStep;
    this.meter = new StepMeter(nanoTime);
  }

  @Override
  public void started(long step, long total) {
    log.info("training begins after step {} of {}", step, total);
    meter.start();
    context.publish(
        at -> new TrainingEvent.Started(at.runId(), at.attempt(), at.seq(), at.at(), step, total));
  }

  @Override
  public void resumedInexactly(long step, ComputeFingerprint was, ComputeFingerprint is) {
    log.warn("training goes on at step {} on other hardware: was {}, is {}", step, was, is);
    context.publish(
        at ->
            new TrainingEvent.ResumedInexactly(
                at.runId(), at.attempt(), at.seq(), at.at(), step, was.toString(), is.toString()));
  }

  @Override
  public void stepDone(StepReport report) {
    double seconds = meter.add(report);
    smoothedLoss =
        curves.step(
            report.step(),
            report.loss(),
            report.rate(),
            report.gradNorm(),
            samplesPerStep / seconds);
    if (report.step() == report.total()) {
      context.publish(this::steps); // the last one is never held back
    } else {
      context.progress(this::steps);
    }
  }

  @Override
  public void validated(long step, double loss, Judged judged) {
    log.info("held-out pictures at step {}: {}, {}", step, loss, judged);
    curves.validated(step, loss);
    meter.start(); // the time of looking at them is not that of a step
    context.publish(
        at ->
            new TrainingEvent.Validated(
                at.runId(),
                at.attempt(),
                at.seq(),
                at.at(),
                step,
                loss,
                judged.bestLoss(),
                judged.bestStep(),
                judged.withoutDrop()));
  }

  @Override
  public void proceed() {
    context.proceed();
    saves.check();
  }

  @Override
  public void mayPause() {
    proceed();
    if (!wishes().pause()) {
      return;
    }
    saves.newest(); // safe before anybody hears of it
    var safe = context.head().checkpoint();
    context.publish(
        at ->
            new TrainingEvent.Paused(
                at.runId(),
                at.attempt(),
                at.seq(),
                at.at(),
                safe == null ? 0 : safe.step(),
                safe == null ? null : safe.manifest()));
    throw new StageContext.RunPaused(context.runId());
  }

  @Override
  public Wishes wishes() {
    var control = context.control();
    return new Wishes(
        control.desired() == Control.Desired.PAUSED, control.savesAsked(), control.previewsAsked());
  }

  @Override
  public void previewed(long step, int number, String prompt, long seed, RgbImage picture) {
    var name = StoreLayout.PREVIEWS + "step-%06d-%d.png".formatted(step, number);
    var png = png(picture);
    curves.image("preview/" + number, step, png, picture.width(), picture.height());
    var object = store.keep(name, png, "image/png");
    context.publish(
        at ->
            new TrainingEvent.PreviewSaved(
                at.runId(),
                at.attempt(),
                at.seq(),
                at.at(),
                step,
                prompt,
                seed,
                new Artifact(name, object)));
    meter.start(); // nor is that of drawings
  }

  private static byte[] png(RgbImage picture) {
    var bytes = new ByteArrayOutputStream();
    try {
      ImageIO.write(picture.buffered(), "png", bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Puts a small file of the attempt into the store. */
  @FunctionalInterface
  interface Keeping {
    /** By its name within the attempt. */
    ObjectRef keep(String name, byte[] bytes, String type);
  }

  @Override
  public void batchReduced(long step, int pieceSize, int accumulation) {
    log.warn("memory is short: from step {} on {} at a time", step, pieceSize);
    context.publish(
        at ->
            new TrainingEvent.BatchReduced(
                at.runId(), at.attempt(), at.seq(), at.at(), step, pieceSize, accumulation));
  }

  @Override
  public CheckpointStore.Loaded begun(TrainingState state, Consumer<Path> files) {
    return saves.keep(state, files);
  }

  @Override
  public void save(TrainingState state, Consumer<Path> files) {
    saves.save(state, files.andThen(_ -> curves.save()));
  }

  @Override
  public Optional<CheckpointStore.Loaded> saved() {
    return saves.newest();
  }

  @Override
  public void rolledBack(long step, long toStep, Journal journal, String reason) {
    log.warn("{}: training goes on from step {} at a lower rate: {}", reason, toStep, journal);
    context.publish(
        at ->
            new TrainingEvent.RolledBack(
                at.runId(),
                at.attempt(),
                at.seq(),
                at.at(),
                step,
                toStep,
                journal.rateFactor(),
                journal.rollbacks(),
                reason));
  }

  /** One file lies in the store. */
  void exported(Artifact artifact) {
    context.publish(
        at ->
            new TrainingEvent.AdapterExported(
                at.runId(), at.attempt(), at.seq(), at.at(), artifact));
  }

  /** The stage's last word. */
  static Function<EventStamp, Event> completed(TrainedAdapter trained, List<Artifact> artifacts) {
    return at ->
        new TrainingEvent.Completed(
            at.runId(),
            at.attempt(),
            at.seq(),
            at.at(),
            trained.steps(),
            trained.loss(),
            artifacts,
            trained.stoppedEarly(),
            trained.bestStep());
  }

  private Event steps(EventStamp at) {
    var reading = meter.read();
    var last = reading.last();
    var usage = curves.usage();
    return new TrainingEvent.StepsCompleted(
        at.runId(),
        at.attempt(),
        at.seq(),
        at.at(),
        last.step(),
        last.total(),
        reading.meanLoss(),
        last.rate(),
        last.gradNorm(),
        reading.secondsPerStep(),
        Math.round(reading.secondsPerStep() * (last.total() - last.step())),
        smoothedLoss,
        samplesPerStep / reading.secondsPerStep(),
        usage.cpuPercent(),
        usage.memoryBytes(),
        usage.gpuPercent(),
        usage.gpuMemoryBytes(),
        null);
  }

  /** Mean loss since it was last read, and speed. Written by the recipe, read by the publisher. */
  static final class StepMeter {

    /** What a new step counts in the average of the time per step. */
    private static final double WEIGHT = 0.1;

    private final LongSupplier nanoTime;
    private long before;
    private double secondsPerStep;
    private double sum;
    private long count;
    private double meanLoss;
    private @Nullable StepReport last;

    record Reading(StepReport last, double meanLoss, double secondsPerStep) {}

    StepMeter(LongSupplier nanoTime) {
      this.nanoTime = nanoTime;
      this.before = nanoTime.getAsLong();
    }

    synchronized void start() {
      before = nanoTime.getAsLong();
    }

    /** Seconds that the step took. */
    synchronized double add(StepReport report) {
      long now = nanoTime.getAsLong();
      double seconds = (now - before) / 1e9;
      before = now;
      secondsPerStep = last == null ? seconds : (1 - WEIGHT) * secondsPerStep + WEIGHT * seconds;
      last = report;
      sum += report.loss();
      count++;
      return seconds;
    }

    /** Only after a step; without new steps the same again. */
    synchronized Reading read() {
      var report = last;
      if (report == null) {
        throw new IllegalStateException("nothing to read before the first step");
      }
      if (count > 0) {
        meanLoss = sum / count;
        sum = 0;
        count = 0;
      }
      return new Reading(report, meanLoss, secondsPerStep);
    }
  }
}
