package flora.models.generate;

/**
 * A network that tells, for several texts at a time, how likely each token comes next. It remembers
 * what it was shown. Belongs to one thread at a time.
 */
public interface TextDecoder extends AutoCloseable {

  /** How many texts it holds: pictures × beams, the beams of a picture side by side. */
  int rows();

  /** How many tokens there are. */
  int vocabulary();

  /**
   * Shows every text its next tokens: the whole beginning at the first call, one token after that.
   *
   * @param ids rows × tokensPerRow
   * @return the scores of every token to come after the last, rows × vocabulary; the caller's
   */
  float[] next(int[] ids, int tokensPerRow);

  /**
   * Makes text i continue what text {@code rows[i]} was. Only whole pictures may be left out, and a
   * text stays with its picture.
   */
  void reorder(int[] rows);

  /** Frees what it remembers. */
  @Override
  void close();
}
