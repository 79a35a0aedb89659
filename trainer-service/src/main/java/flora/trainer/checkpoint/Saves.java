package flora.trainer.checkpoint;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Saves checkpoints beside the training: who hands one over goes on at once. They are written one
 * after the other, in their order; what goes wrong is thrown to whoever asks next. Asked by one
 * thread.
 */
public final class Saves implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(Saves.class);
  private static final long PATIENCE_SECONDS = 60;

  private final CheckpointStore store;
  private final Path folder;
  private final ExecutorService background =
      Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("checkpoints").factory());

  private @Nullable Future<CheckpointStore.Loaded> inFlight;
  private CheckpointStore.@Nullable Loaded newest;

  /**
   * @param folder of its own, for the files on this machine
   */
  public Saves(CheckpointStore store, Path folder) {
    this.store = store;
    this.folder = folder;
  }

  /**
   * Begins to save a checkpoint, once the one before it is done.
   *
   * @param files writes its files into an empty folder, on another thread
   */
  public void save(TrainingState state, Consumer<Path> files) {
    await();
    inFlight = background.submit(() -> write(state, files));
  }

  /** Writes the files of a checkpoint that nobody else is to go on from. */
  public CheckpointStore.Loaded keep(TrainingState state, Consumer<Path> files) {
    try {
      var own = Files.createTempDirectory(folder, "step-" + state.step() + "-");
      files.accept(own);
      return new CheckpointStore.Loaded(state, own);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private CheckpointStore.Loaded write(TrainingState state, Consumer<Path> files) {
    var kept = keep(state, files);
    store.save(state, kept.folder());
    log.info("checkpoint saved at step {}", state.step());
    return kept;
  }

  /** The last checkpoint of all that were handed over; waits until it is safe. */
  public Optional<CheckpointStore.Loaded> newest() {
    await();
    return Optional.ofNullable(newest);
  }

  /** Throws what went wrong with a checkpoint, if that is known by now. */
  public void check() {
    if (inFlight != null && inFlight.isDone()) {
      await();
    }
  }

  private void await() {
    var pending = inFlight;
    if (pending == null) {
      return;
    }
    try {
      var saved = pending.get();
      inFlight = null;
      if (newest != null) {
        delete(newest.folder());
      }
      newest = saved;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancellationException("told to stop while a checkpoint was being saved");
    } catch (ExecutionException e) {
      inFlight = null;
      switch (e.getCause()) {
        case RuntimeException failure -> throw failure;
        case Error failure -> throw failure;
        case null, default -> throw new IllegalStateException(e);
      }
    }
  }

  /** Lets the checkpoint that is being saved end. */
  @Override
  public void close() {
    background.shutdown();
    boolean isInterrupted = Thread.interrupted();
    try {
      if (!background.awaitTermination(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        log.warn("a checkpoint could not be saved in time");
        background.shutdownNow();
      }
    } catch (InterruptedException e) {
      background.shutdownNow();
      isInterrupted = true;
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void delete(Path folder) {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      log.warn("the folder {} is left behind", folder, e);
    }
  }
}
