package flora.trainer.recipe;

import ai.djl.engine.EngineException;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.trainer.data.DataOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;

/**
 * One optimizer step: batches → pieces of at most so many samples → gradients, summed in the
 * pieces' order → clipped → applied.
 */
final class StepRunner {

  private final TrainedNetworks networks;
  private final PieceLoss pieces;
  private final Supplier<Segments> computations;
  private final int accumulation;
  private int pieceSize;

  /**
   * What a step did.
   *
   * @param loss mean over its batches
   * @param gradNorm total norm before clipping
   */
  record Outcome(double loss, double gradNorm) {}

  /**
   * @param accumulation batches that make up a whole step; the last one of an epoch may have fewer
   * @param pieceSize samples that are computed at once
   */
  StepRunner(
      TrainedNetworks networks,
      PieceLoss pieces,
      Supplier<Segments> computations,
      int accumulation,
      int pieceSize) {
    this.networks = networks;
    this.pieces = pieces;
    this.computations = computations;
    this.accumulation = accumulation;
    this.pieceSize = pieceSize;
  }

  /** Samples that are computed at once: fewer after a step that did not fit into memory. */
  int pieceSize() {
    return pieceSize;
  }

  /**
   * Takes a step; where memory is short, once more in pieces of half the size, and so on from then
   * on.
   *
   * @param number of the step, from 1
   * @param factor of every group's rate
   * @param proceed called before each piece
   * @throws RecipeException.LossNotFinite when the networks are to be loaded anew
   * @throws RecipeException.OutOfMemory when not even one sample fits
   */
  Outcome run(long number, List<DataOrder.Batch> batches, double factor, Runnable proceed) {
    double loss = gradients(number, batches, proceed);
    double norm = networks.update(factor);
    requireFinite("the gradient norm", number, norm);
    return new Outcome(loss, norm);
  }

  private double gradients(long number, List<DataOrder.Batch> batches, Runnable proceed) {
    while (true) {
      try {
        return accumulate(number, batches, proceed);
      } catch (EngineException e) {
        networks.forgetGradients();
        if (!RecipeException.OutOfMemory.isTold(e)) {
          throw e;
        }
        if (pieceSize == 1) {
          throw new RecipeException.OutOfMemory(e);
        }
        pieceSize = Math.ceilDiv(pieceSize, 2);
      }
    }
  }

  /** Sums the gradients of a step; the mean loss. */
  private double accumulate(long number, List<DataOrder.Batch> batches, Runnable proceed) {
    double loss = 0;
    for (var shown : batches) {
      // the share is the plan's also where an epoch ends with fewer batches, as in diffusers
      double share = 1.0 / accumulation / shown.draws().size();
      for (var piece : cut(shown)) {
        proceed.run();
        try (var _ = new Scope();
            var segments = computations.get()) {
          int value = pieces.of(segments, piece, share * piece.draws().size());
          double found = networks.accumulate(segments, value);
          requireFinite("the loss", number, found);
          loss += found * accumulation / batches.size();
        }
      }
    }
    return loss;
  }

  private List<DataOrder.Batch> cut(DataOrder.Batch shown) {
    var cut = new ArrayList<DataOrder.Batch>();
    var draws = shown.draws();
    for (int from = 0; from < draws.size(); from += pieceSize) {
      int to = Math.min(draws.size(), from + pieceSize);
      cut.add(new DataOrder.Batch(shown.bucket(), draws.subList(from, to)));
    }
    return cut;
  }

  static void requireFinite(String what, long step, double value) {
    if (!Double.isFinite(value)) {
      throw new RecipeException.LossNotFinite(step, what, value);
    }
  }
}
