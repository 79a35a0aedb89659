package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.block.Linear;
import flora.models.weights.Weights;

/**
 * Multi-head attention of picture tokens to themselves or to the text (<a
 * href="https://arxiv.org/abs/1706.03762">Vaswani et al.</a>).
 */
final class CrossAttention {
  private final int heads;
  private final Linear toQ;
  private final Linear toK;
  private final Linear toV;
  private final Linear toOut;

  /**
   * @param inner size of all heads together
   * @param contextSize size of what is attended to
   */
  CrossAttention(Weights weights, int size, int contextSize, int inner, int heads) {
    this.heads = heads;
    toQ = new Linear(weights.child("to_q"), size, inner, false);
    toK = new Linear(weights.child("to_k"), contextSize, inner, false);
    toV = new Linear(weights.child("to_v"), contextSize, inner, false);
    toOut = new Linear(weights.child("to_out").child("0"), inner, size, true);
  }

  /** {@code [n, t, size], [n, s, context] → [n, t, size]}. */
  NDArray forward(NDArray x, NDArray context) {
    return toOut.forward(
        Aten.attention(
            toQ.forward(x), toK.forward(context), toV.forward(context), heads, false, null));
  }
}
