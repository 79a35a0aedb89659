package flora.standalone.parity;

/**
 * One kind of golden set: computes what the set's tensors should be and hands it to the comparison.
 *
 * <p>What the models refuse by name ({@link flora.models.ModelException.Unsupported}) makes the set
 * "unsupported"; any other exception makes it fail. A kind keeps nothing between sets.
 */
interface GoldenKind {

  /** Whether it is for sets of that name. */
  boolean handles(GoldenSet set);

  /** Computes and compares. Every tensor must be compared or declared as an input. */
  void check(GoldenSet set, Comparison comparison);
}
