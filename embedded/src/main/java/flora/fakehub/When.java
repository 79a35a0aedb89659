package flora.fakehub;

/**
 * Which of the answers that a {@link Fault} could meet it does meet.
 *
 * @param times at most so often
 * @param every the n-th, the 2n-th, … of those that it could meet
 * @param ranges whether it meets only requests for a range
 * @param chance with which it meets one of these, 0 to 1
 * @param seed of that chance
 */
public record When(int times, int every, boolean ranges, double chance, long seed) {

  public When {
    if (times < 0 || every < 1 || chance < 0 || chance > 1) {
      throw new IllegalArgumentException(
          "times >= 0, every >= 1, chance in 0..1: " + times + ", " + every + ", " + chance);
    }
  }

  /** For ever, every time. */
  public static When always() {
    return new When(Integer.MAX_VALUE, 1, false, 1, 0);
  }

  /** The first so many times. */
  public static When times(int times) {
    return always().atMost(times);
  }

  /** At most so often. */
  public When atMost(int n) {
    return new When(n, every, ranges, chance, seed);
  }

  /** Every n-th time. */
  public When every(int n) {
    return new When(times, n, ranges, chance, seed);
  }

  /** Only where a range was asked for. */
  public When onRanges() {
    return new When(times, every, true, chance, seed);
  }

  /** By chance; the same seed gives the same course of events. */
  public When sometimes(double probability, long withSeed) {
    return new When(times, every, ranges, probability, withSeed);
  }
}
