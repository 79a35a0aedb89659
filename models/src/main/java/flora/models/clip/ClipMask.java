package flora.models.clip;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;

/** The scores that keep a token from looking ahead and at padding. */
final class ClipMask {

  private ClipMask() {}

  /** int64 {@code [n, t]} → {@code [n, 1, t, t]}: 0 where row may look at column, else −∞. */
  static NDArray causal(NDArray mask) {
    int texts = Math.toIntExact(mask.getShape().get(0));
    int length = Math.toIntExact(mask.getShape().get(1));
    long[] text = mask.toLongArray();
    float[] scores = new float[texts * length * length];
    int at = 0;
    for (int n = 0; n < texts; n++) {
      for (int row = 0; row < length; row++) {
        for (int column = 0; column < length; column++, at++) {
          boolean visible = column <= row && text[n * length + column] != 0;
          // a token may always see itself, so that no row is without any
          scores[at] = visible || column == row ? 0 : Float.NEGATIVE_INFINITY;
        }
      }
    }
    return Aten.of(scores, texts, 1, length, length);
  }
}
