package flora.store;

/**
 * A word that is not to be shown.
 *
 * @param value the word itself
 */
public record Secret(String value) {
  @Override
  public String toString() {
    return "***";
  }
}
