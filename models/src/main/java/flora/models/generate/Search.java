package flora.models.generate;

/** The search for one picture's text: some rows of the decoder, one token further each time. */
interface Search {

  /** How many texts it follows. */
  int rows();

  /**
   * Takes one more token for each row.
   *
   * @param scores of all rows; this search's begin at {@code from}; may be changed
   */
  void advance(float[] scores, int from, int vocabulary);

  /** Whether nothing that could come would change the result. */
  boolean done();

  /** Which of the rows, before the last step, a row continues. */
  int source(int row);

  /** The last token of a row. */
  int last(int row);

  /** The best text, beginning included, and the stop token where it came to it. */
  int[] result();
}
