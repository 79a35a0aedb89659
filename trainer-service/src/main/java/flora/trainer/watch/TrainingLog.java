package flora.trainer.watch;

import flora.schemas.Json;
import flora.schemas.RunId;
import flora.schemas.store.StoreLayout;
import flora.schemas.training.Artifact;
import flora.store.ObjectStore;
import flora.store.ObjectStoreException;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The curves of a run: {@code metrics.jsonl} and TensorBoard's file, a line and a point a step,
 * kept in the store of the run while it trains. An attempt goes on with the lines of the one before
 * it, up to the step where it takes over, so that each has the whole story. Written by the
 * training's thread; sent by one of its own, which never holds a step up.
 */
public final class TrainingLog implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(TrainingLog.class);

  private static final String METRICS = "metrics.jsonl";

  /** TensorBoard goes by the middle of the name. */
  private static final String EVENTS = "events.out.tfevents.flora";

  private static final Duration SAMPLING = Duration.ofSeconds(5);
  private static final Duration SENDING = Duration.ofSeconds(30);

  private final ObjectStore store;
  private final RunId run;
  private final long epoch;
  private final Path folder;
  private final Clock clock;
  private final ResourceMeter meter;
  private final OutputStream metrics;
  private final EventFile events;
  private final SmoothedLoss smoothed = new SmoothedLoss();
  private final ScheduledExecutorService background =
      Executors.newSingleThreadScheduledExecutor(
          Thread.ofPlatform().daemon().name("training-log").factory());

  private final ReentrantLock sending = new ReentrantLock();
  private volatile ResourceMeter.Usage usage;
  private boolean isNew;

  private TrainingLog(
      ObjectStore store,
      RunId run,
      long epoch,
      Path folder,
      List<LogLine> before,
      Clock clock,
      ResourceMeter meter)
      throws IOException {
    this.store = store;
    this.run = run;
    this.epoch = epoch;
    this.folder = folder;
    this.clock = clock;
    this.meter = meter;
    this.usage = meter.read();
    this.metrics = Files.newOutputStream(folder.resolve(METRICS));
    var begun = before.isEmpty() ? clock.instant() : before.getFirst().at();
    this.events = new EventFile(folder.resolve(EVENTS), begun);
    for (var line : before) {
      switch (line) {
        case StepMetrics step -> {
          smoothed.add(step.loss());
          write(step);
        }
        case ValidationMetrics validated -> write(validated);
      }
    }
  }

  /**
   * Begins an attempt's log.
   *
   * @param epoch of the attempt
   * @param step optimizer steps done before it
   * @param folder an empty one on this machine
   */
  public static TrainingLog open(
      ObjectStore store,
      RunId run,
      long epoch,
      long step,
      Path folder,
      Clock clock,
      ResourceMeter meter) {
    TrainingLog opened;
    try {
      var before = before(store, run, epoch, step);
      opened = new TrainingLog(store, run, epoch, folder, before, clock, meter);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    var _ =
        opened.background.scheduleWithFixedDelay(
            opened::sample, 0, SAMPLING.toMillis(), TimeUnit.MILLISECONDS);
    var _ =
        opened.background.scheduleWithFixedDelay(
            opened::save, SENDING.toMillis(), SENDING.toMillis(), TimeUnit.MILLISECONDS);
    return opened;
  }

  /** The lines up to a step that the newest attempt has left, which may be this one's first go. */
  private static List<LogLine> before(ObjectStore store, RunId run, long epoch, long step) {
    if (step == 0) {
      return List.of();
    }
    for (long attempt = epoch; attempt > 0; attempt--) {
      var found =
          store.read(
              StoreLayout.RUNS, StoreLayout.attempt(run, attempt, StoreLayout.LOGS + METRICS));
      if (found.isPresent()) {
        return new String(found.get().bytes(), StandardCharsets.UTF_8)
            .lines()
            .map(line -> LogLine.read(line.getBytes(StandardCharsets.UTF_8)))
            .filter(line -> line.step() <= step)
            .toList();
      }
    }
    return List.of();
  }

  /** What this process took of the machine when it was last looked at. */
  public ResourceMeter.Usage usage() {
    return usage;
  }

  /** Writes a step down; its loss in the average with those before it. */
  public double step(
      long step, double loss, double learningRate, double gradNorm, double samplesPerSecond) {
    double average = smoothed.add(loss);
    var now = usage;
    write(
        new StepMetrics(
            clock.instant(),
            step,
            loss,
            average,
            learningRate,
            gradNorm,
            samplesPerSecond,
            now.cpuPercent(),
            now.memoryBytes(),
            now.gpuPercent(),
            now.gpuMemoryBytes()));
    return average;
  }

  /** Writes down the loss on held-out pictures. */
  public void validated(long step, double loss) {
    write(new ValidationMetrics(clock.instant(), step, loss));
  }

  /** Shows a picture beside the curves. */
  public synchronized void image(String tag, long step, byte[] png, int width, int height) {
    events.image(tag, clock.instant(), step, png, width, height);
    isNew = true;
  }

  private void append(LogLine line) {
    try {
      metrics.write(Json.bytes(line));
      metrics.write('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    isNew = true;
  }

  private synchronized void write(ValidationMetrics line) {
    append(line);
    point(line, "loss/validation", line.validationLoss());
  }

  private synchronized void write(StepMetrics line) {
    append(line);
    point(line, "loss/train", line.loss());
    point(line, "loss/smoothed", line.smoothedLoss());
    point(line, "learning_rate", line.learningRate());
    point(line, "grad_norm", line.gradNorm());
    point(line, "speed/samples_per_second", line.samplesPerSecond());
    point(line, "machine/cpu_percent", line.cpuPercent());
    point(line, "machine/memory_bytes", (double) line.memoryBytes());
    if (line.gpuPercent() != null) {
      point(line, "machine/gpu_percent", line.gpuPercent());
    }
    if (line.gpuMemoryBytes() != null) {
      point(line, "machine/gpu_memory_bytes", line.gpuMemoryBytes().doubleValue());
    }
  }

  private void point(LogLine line, String tag, double value) {
    events.scalar(tag, line.at(), line.step(), value);
  }

  private void sample() {
    usage = meter.read();
  }

  /** Sends what is new, also before a checkpoint says that a training goes on from here. */
  public void save() {
    try {
      send();
    } catch (ObjectStoreException e) {
      log.warn("the training's log stays here for now: {}", e.getMessage());
    }
  }

  /** Files as they are now, since they grow while they are sent. */
  private List<Path> frozen() throws IOException {
    var copies = new ArrayList<Path>();
    var frozen = Files.createDirectories(folder.resolve("frozen"));
    synchronized (this) {
      if (!isNew) {
        return copies;
      }
      for (var file : List.of(folder.resolve(METRICS), events.path())) {
        var copy = frozen.resolve(file.getFileName());
        copies.add(Files.copy(file, copy, StandardCopyOption.REPLACE_EXISTING));
      }
      isNew = false;
    }
    return copies;
  }

  private void send() {
    sending.lock();
    try {
      for (var file : frozen()) {
        upload(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (ObjectStoreException e) {
      synchronized (this) {
        isNew = true;
      }
      throw e;
    } finally {
      sending.unlock();
    }
  }

  private Artifact upload(Path file) {
    var name = StoreLayout.LOGS + file.getFileName();
    var key = StoreLayout.attempt(run, epoch, name);
    var type = name.endsWith(".jsonl") ? "application/jsonl" : "application/octet-stream";
    return new Artifact(name, store.upload(StoreLayout.RUNS, key, file, type));
  }

  /** Sends what there is and says where it lies; nothing is written after that. */
  public List<Artifact> finish() {
    close();
    return List.of(upload(folder.resolve(METRICS)), upload(events.path()));
  }

  /** Ends the log; what a training that failed had written is sent if the store will have it. */
  @Override
  public void close() {
    if (background.isShutdown()) {
      return;
    }
    background.shutdown();
    try {
      background.awaitTermination(SENDING.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    save();
    try {
      metrics.close();
      events.close();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
