package flora.trainer.merge;

import flora.trainer.export.Adapter;

/**
 * What an adapter adds to one weight.
 *
 * @param pair its matrices
 * @param strength 1 = as trained
 */
record Change(Adapter.Pair pair, double strength) {

  /** Adds a row of the change to a row of the weight. */
  void addTo(float[] weights, int row) {
    int rank = pair.rank();
    float[] up = pair.up().values();
    float[] down = pair.down().values();
    var sum = new float[weights.length];
    for (int r = 0; r < rank; r++) {
      float factor = up[row * rank + r];
      int from = r * weights.length;
      for (int i = 0; i < sum.length; i++) {
        sum[i] += factor * down[from + i];
      }
    }
    float scale = (float) (strength * pair.alpha() / rank);
    for (int i = 0; i < sum.length; i++) {
      weights[i] += scale * sum[i];
    }
  }

  /** Whether the matrices multiply to a weight of these rows and columns. */
  boolean fits(long rows, long columns) {
    return pair.up().values().length == rows * pair.rank()
        && pair.down().values().length == columns * pair.rank();
  }
}
