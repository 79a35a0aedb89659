package flora.trainer.checkpoint;

import flora.schemas.Sha256;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where training stands after an optimizer step: {@code state.json} of a checkpoint. With the
 * adapter and the optimizer's moments it is all that a run needs to go on exactly.
 *
 * @param format of all files of the checkpoint; absent = 1
 * @param step optimizer steps done; the place in the data and in every random stream follows from
 *     it
 * @param seed of everything random
 * @param plan digest of the training plan
 * @param dataset the dataset version
 * @param weights digest of every weight file of the models, by role and path
 * @param compute what computed so far
 * @param recentLosses of the last steps, oldest first
 * @param lossSum of the steps since the checkpoint before
 * @param lossCount how many those are
 * @param judged what the held-out pictures said; null when there are none, or were not asked yet
 * @param journal what else became of the training; absent = nothing
 */
public record TrainingState(
    Integer format,
    long step,
    long seed,
    Sha256 plan,
    Sha256 dataset,
    Map<String, Sha256> weights,
    ComputeFingerprint compute,
    List<Double> recentLosses,
    double lossSum,
    long lossCount,
    @Nullable Judged judged,
    Journal journal) {

  /** What this version writes. 2: the optimizer's keys begin with the network's word. */
  public static final int FORMAT = 2;

  public TrainingState {
    format = format == null ? 1 : format;
    weights = Map.copyOf(weights);
    recentLosses = List.copyOf(recentLosses);
    journal = Journal.of(journal);
  }

  /** The state before the first step. */
  public static TrainingState beginning(
      long seed,
      Sha256 plan,
      Sha256 dataset,
      Map<String, Sha256> weights,
      ComputeFingerprint compute) {
    return new TrainingState(
        FORMAT, 0, seed, plan, dataset, weights, compute, List.of(), 0, 0, null, Journal.NONE);
  }

  /**
   * Whether the other state belongs to the same training and its files can be read: only then can
   * one follow the other.
   */
  public boolean continues(TrainingState other) {
    return format.equals(other.format)
        && seed == other.seed
        && plan.equals(other.plan)
        && dataset.equals(other.dataset)
        && weights.equals(other.weights);
  }

  /** The state of the same training some steps later. */
  public TrainingState at(
      long laterStep, LossLog losses, @Nullable Judged laterJudged, Journal laterJournal) {
    return new TrainingState(
        format,
        laterStep,
        seed,
        plan,
        dataset,
        weights,
        compute,
        losses.recent(),
        losses.sum(),
        losses.count(),
        laterJudged,
        laterJournal);
  }
}
