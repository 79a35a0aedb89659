package flora.trainer.checkpoint;

import org.jspecify.annotations.Nullable;

/**
 * What the held-out pictures have said of a training so far.
 *
 * @param bestStep the step with the least loss
 * @param bestLoss its loss
 * @param withoutDrop evaluations since then
 */
public record Judged(long bestStep, double bestLoss, int withoutDrop) {

  /** What is known after one more evaluation; only a strict drop counts as one. */
  public static Judged after(@Nullable Judged before, long step, double loss) {
    return before == null || loss < before.bestLoss
        ? new Judged(step, loss, 0)
        : new Judged(before.bestStep, before.bestLoss, before.withoutDrop + 1);
  }

  /** Whether training has gone on long enough without getting better; 0 = it never has. */
  public boolean isHopeless(int patience) {
    return patience > 0 && withoutDrop >= patience;
  }
}
