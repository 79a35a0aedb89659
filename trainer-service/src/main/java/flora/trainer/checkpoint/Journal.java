package flora.trainer.checkpoint;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What became of a training besides its steps; a checkpoint keeps it, so that whoever takes over
 * decides as whoever trained before.
 *
 * @param rateFactor what every learning rate is multiplied by
 * @param rollbacks how often training went back to an earlier step
 * @param pieceSize pictures that are computed at once; null = a batch
 * @param secondsTrained how long all steps took
 * @param savesDone how many of the checkpoints that people asked for were saved
 * @param previewsDone how often previews were drawn because people asked
 */
public record Journal(
    double rateFactor,
    int rollbacks,
    @Nullable Integer pieceSize,
    double secondsTrained,
    long savesDone,
    long previewsDone) {

  /** Of a training to which nothing has happened yet. */
  public static final Journal NONE = new Journal(1, 0, null, 0, 0, 0);

  private static final int MOST_ROLLBACKS = 3;

  /** Of a state that says nothing: nothing has happened. */
  static Journal of(@Nullable Journal known) {
    return known == null ? NONE : known;
  }

  /** Half the rate from an earlier step; empty when that has been tried often enough. */
  public Optional<Journal> rolledBack() {
    return rollbacks == MOST_ROLLBACKS
        ? Optional.empty()
        : Optional.of(
            new Journal(
                rateFactor / 2, rollbacks + 1, pieceSize, secondsTrained, savesDone, previewsDone));
  }

  /** With other pieces from now on. */
  public Journal inPiecesOf(int size) {
    return new Journal(rateFactor, rollbacks, size, secondsTrained, savesDone, previewsDone);
  }

  /** After some more seconds. */
  public Journal after(double seconds) {
    return new Journal(
        rateFactor, rollbacks, pieceSize, secondsTrained + seconds, savesDone, previewsDone);
  }

  /** With so many wishes fulfilled. */
  public Journal fulfilled(long saves, long previews) {
    return new Journal(rateFactor, rollbacks, pieceSize, secondsTrained, saves, previews);
  }
}
