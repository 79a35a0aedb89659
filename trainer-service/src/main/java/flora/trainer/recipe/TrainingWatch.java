package flora.trainer.recipe;

import flora.trainer.checkpoint.ComputeFingerprint;
import flora.trainer.checkpoint.Judged;
import flora.trainer.checkpoint.TrainingState;
import java.nio.file.Path;

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

  /** Saves a checkpoint whose adapter and optimizer lie in the folder. */
  void save(TrainingState state, Path folder);
}
