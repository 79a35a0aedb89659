package flora.trainer.watch;

/**
 * Moving average of the losses, without the pull of its beginning at zero.
 *
 * @see <a href="https://arxiv.org/abs/1412.6980">Adam, section 3: bias correction</a>
 */
public final class SmoothedLoss {

  private static final double KEPT = 0.98;

  private double sum;
  private double weight;

  /** Takes one more loss; the average with it. */
  public double add(double loss) {
    sum = KEPT * sum + (1 - KEPT) * loss;
    weight = KEPT * weight + (1 - KEPT);
    return sum / weight;
  }
}
