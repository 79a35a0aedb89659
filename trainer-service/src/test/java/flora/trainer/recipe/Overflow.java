package flora.trainer.recipe;

/** What a step says whose numbers are too large. */
public final class Overflow {

  private Overflow() {}

  public static RuntimeException at(long step) {
    return new RecipeException.LossNotFinite(step, "the loss", Double.POSITIVE_INFINITY);
  }
}
