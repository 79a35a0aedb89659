package flora.trainer.data;

import flora.models.random.RandomStream;

/**
 * How a picture is seen once: which square of it, and whether mirrored. Two showings with the same
 * view have the same pixels.
 *
 * @param picture index in the dataset
 * @param left first column of the square in the resized picture
 * @param top first row
 * @param mirrored left and right exchanged
 */
public record View(int picture, int left, int top, boolean mirrored) {

  /**
   * Chooses views as the transforms of diffusers' script do: the picture's shorter side becomes the
   * resolution, then a square is cut out of it.
   */
  public static final class Chooser {

    private final RandomStream crops;
    private final RandomStream flips;
    private final boolean centerCrop;
    private final boolean randomFlip;

    /** A chooser under a seed. */
    public Chooser(long seed, boolean centerCrop, boolean randomFlip) {
      this.crops = RandomStream.of(seed, "crop");
      this.flips = RandomStream.of(seed, "flip");
      this.centerCrop = centerCrop;
      this.randomFlip = randomFlip;
    }

    /**
     * The view of one showing.
     *
     * @param spareWidth columns of the resized picture beyond the square
     * @param spareHeight rows beyond it
     */
    public View choose(DataOrder.Draw draw, int spareWidth, int spareHeight) {
      boolean mirrored = randomFlip && flips.unit(draw.number(), 0) < 0.5;
      if (centerCrop) {
        return new View(draw.picture(), half(spareWidth), half(spareHeight), mirrored);
      }
      return new View(
          draw.picture(),
          crops.below(spareWidth + 1, draw.number(), 0),
          crops.below(spareHeight + 1, draw.number(), 1),
          mirrored);
    }

    /** torchvision's {@code int(round(spare / 2.0))}: Python rounds halves to the even number. */
    private static int half(int spare) {
      return (int) Math.rint(spare / 2.0);
    }
  }
}
