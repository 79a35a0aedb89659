package flora.trainer.recipe;

import flora.models.image.RgbImage;
import flora.trainer.checkpoint.CheckpointStore;
import flora.trainer.checkpoint.ComputeFingerprint;
import flora.trainer.checkpoint.Journal;
import flora.trainer.checkpoint.Judged;
import flora.trainer.checkpoint.TrainingState;
import java.nio.file.Path;
import java.util.Optional;
import java.util.function.Consumer;

/** What a recipe tells while it trains, and where it may be told to stop. */
public interface TrainingWatch {

  /**
   * What a step did.
   *
   * @param step optimizer steps done, this one included
   * @param total optimizer steps
   * @param loss mean over its micro-batches
   * @param rate learning rate
   * @param gradNorm total norm before clipping
   */
  record StepReport(long step, long total, double loss, double rate, double gradNorm) {}

  /** Everything is loaded; the first step comes next. */
  void started(long step, long total);

  /** Training goes on where other hardware left off. */
  void resumedInexactly(long step, ComputeFingerprint was, ComputeFingerprint is);

  /** A step is done. */
  void stepDone(StepReport report);

  /** The held-out pictures were looked at. */
  void validated(long step, double loss, Judged judged);

  /** Called between pieces of work; throws to stop the recipe. */
  void proceed();

  /** {@link #proceed} where a pause loses nothing: throws also when somebody asked for one. */
  void mayPause();

  /** What people want, as it is known now. */
  Wishes wishes();

  /**
   * What people want of a training.
   *
   * @param pause that it waits
   * @param saves how many checkpoints they asked for since it began
   * @param previews how often they asked for previews since it began
   */
  record Wishes(boolean pause, long saves, long previews) {}

  /**
   * A picture was drawn with the adapter as it is.
   *
   * @param number of the prompt, from 0
   */
  void previewed(long step, int number, String prompt, long seed, RgbImage picture);

  /** Steps are computed in smaller pieces from now on, since they did not fit into memory. */
  void batchReduced(long step, int pieceSize, int accumulation);

  /**
   * Training begins at its beginning; nothing is saved yet that others could go on from.
   *
   * @param files as of a checkpoint
   */
  CheckpointStore.Loaded begun(TrainingState state, Consumer<Path> files);

  /**
   * Saves a checkpoint.
   *
   * @param files writes the adapter, the optimizer and the best adapter into an empty folder
   */
  void save(TrainingState state, Consumer<Path> files);

  /**
   * The checkpoint that was saved last; empty when none was since the training began or went on.
   */
  Optional<CheckpointStore.Loaded> saved();

  /**
   * Training went astray and goes on from an earlier step.
   *
   * @param step that failed
   * @param toStep that it goes on from
   * @param journal from now on
   * @param reason what was no number
   */
  void rolledBack(long step, long toStep, Journal journal, String reason);
}
