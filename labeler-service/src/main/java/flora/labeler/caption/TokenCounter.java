package flora.labeler.caption;

/** How many tokens a text is for the model that will be trained on it. */
@FunctionalInterface
public interface TokenCounter {

  /** The number of tokens, start and end included. */
  int count(String text);
}
