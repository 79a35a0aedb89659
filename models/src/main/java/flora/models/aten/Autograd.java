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

  @Override
  public void close() {
    JniUtils.setGradMode(before);
  }
}
