package flora.models.aten;

import ai.djl.ndarray.NDArray;
import java.util.List;

/**
 * PyTorch's operators over many arrays at once, in place: a few calls for hundreds of parameters
 * (<a href="https://docs.pytorch.org/docs/2.7/torch.html#foreach-operations">Foreach</a>).
 *
 * <p>Lists that belong together have one length and, place by place, one shape. Nothing here may be
 * recorded: pause {@link Autograd} around it.
 */
public final class Foreach {

  private Foreach() {}

  /** {@code xs[i] += ys[i]}. */
  public static void addAll(List<NDArray> xs, List<NDArray> ys) {
    Aten.none("add_all_", xs, ys);
  }

  /** {@code xs[i] *= s}. */
  public static void scaleAll(List<NDArray> xs, double s) {
    Aten.none("scale_all_", xs, s);
  }

  /** {@code to[i] = from[i]}. */
  public static void copyAll(List<NDArray> to, List<NDArray> from) {
    Aten.none("copy_all_", to, from);
  }

  /** {@code shadow[i] += weight · (xs[i] − shadow[i])}: a moving average. */
  public static void lerpAll(List<NDArray> shadow, List<NDArray> xs, double weight) {
    Aten.none("lerp_all_", shadow, xs, weight);
  }

  /** Whether every value of every array is a number; one read for all of them. */
  public static boolean isFinite(List<NDArray> xs) {
    try (NDArray finite = Aten.one("is_finite", xs)) {
      return finite.getBoolean();
    }
  }

  /**
   * Scales all by {@code min(1, max/(norm + 1e-6))}, where the norm is that of all values together.
   *
   * @param max a limit of 0 changes nothing
   * @return the norm before, a scalar
   */
  public static NDArray clipAll(List<NDArray> xs, double max) {
    return max == 0 ? Aten.one("norm_all", xs) : Aten.one("clip_all_", xs, max);
  }

  /**
   * One fused step of AdamW with decoupled decay (<a href="https://arxiv.org/abs/1711.05101">
   * Loshchilov and Hutter</a>); {@code steps} are fp32 scalars counted up first.
   */
  public static void adamW(
      List<NDArray> parameters,
      List<NDArray> gradients,
      List<NDArray> m,
      List<NDArray> v,
      List<NDArray> steps,
      double rate,
      double beta1,
      double beta2,
      double decay,
      double eps) {
    Aten.none("adamw_", parameters, gradients, m, v, steps, rate, beta1, beta2, decay, eps);
  }
}
