package flora.models.aten;

import ai.djl.ndarray.NDArray;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.JniUtils;
import java.util.List;

/**
 * Reverse-mode differentiation: while one is open, this thread's operators are recorded.
 *
 * <p>Gradients are returned, not accumulated in the parameters, so that a step is a function of its
 * inputs.
 */
public final class Autograd implements AutoCloseable {
  private final boolean before;

  private Autograd(boolean on) {
    TorchEngine.prepareThread();
    before = JniUtils.isGradMode();
    JniUtils.setGradMode(on);
  }

  /** Starts recording on this thread until closed. */
  public static Autograd record() {
    return new Autograd(true);
  }

  /** Suspends recording on this thread until closed. */
  public static Autograd pause() {
    return new Autograd(false);
  }

  /** Marks an array as one to differentiate by. */
  public static NDArray parameter(NDArray x) {
    JniUtils.attachGradient((PtNDArray) x, true);
    return x;
  }

  /**
   * Gradients of a scalar by each parameter, in their order; frees the recorded graph. A parameter
   * that the scalar does not depend on has a gradient of zeros.
   */
  public static List<NDArray> gradients(NDArray scalar, List<NDArray> parameters) {
    return Aten.many("grad", scalar, parameters, false);
  }

  /**
   * The product of given vectors with the Jacobian: for each x, the sum over all ys of {@code
   * upstreamᵀ · ∂y/∂x}; frees the recorded graph. What no y depends on has zeros.
   *
   * @param ys recorded; those that depend on nothing to differentiate by do not matter
   * @param upstreams one for each y, of its shape
   * @return one for each x, in their order
   */
  public static List<NDArray> gradients(
      List<NDArray> ys, List<NDArray> upstreams, List<NDArray> xs) {
    return Aten.many("vjp", ys, upstreams, xs);
  }

  @Override
  public void close() {
    JniUtils.setGradMode(before);
  }
}
