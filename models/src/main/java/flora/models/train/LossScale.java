package flora.models.train;

/**
 * What a loss is multiplied by before it is differentiated in half precision, so that small
 * gradients do not vanish: doubled after 2,000 good steps, halved where a gradient was no number;
 * PyTorch's {@code GradScaler}.
 */
public final class LossScale {
  private static final double START = 65_536;
  private static final int GOOD_STEPS = 2_000;

  /**
   * All that it remembers.
   *
   * @param scale at least 1
   * @param goodSteps since the scale was last changed
   */
  public record State(double scale, int goodSteps) {}

  private State state;

  /** As it is at the beginning of a training. */
  public LossScale() {
    this(new State(START, 0));
  }

  /** Goes on from a state. */
  public LossScale(State state) {
    this.state = state;
  }

  /** What the next loss is multiplied by; its gradients are divided by the same. */
  public double scale() {
    return state.scale();
  }

  public State state() {
    return state;
  }

  /**
   * Takes note of a step.
   *
   * @param finite whether all gradients were numbers
   * @return whether the step may be applied
   */
  public boolean accept(boolean finite) {
    if (!finite) {
      state = new State(Math.max(1, state.scale() / 2), 0);
    } else if (state.goodSteps() + 1 == GOOD_STEPS) {
      state = new State(state.scale() * 2, 0);
    } else {
      state = new State(state.scale(), state.goodSteps() + 1);
    }
    return finite;
  }
}
