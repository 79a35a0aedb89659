package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Foreach;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import java.util.List;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One optimizer step over several micro-batches: gradients are summed by {@link #accumulate}, then
 * clipped and applied by {@link #update}.
 */
public final class LoraStep implements AutoCloseable {
  private final List<NDArray> parameters;
  private final AdamW optimizer;
  private final double maxNorm;
  private @Nullable List<NDArray> gradients;

  /**
   * @param maxNorm gradients of all parameters together are scaled down to this norm; 0 = never
   */
  public LoraStep(AdamW optimizer, double maxNorm) {
    parameters = optimizer.groups().parameters();
    this.optimizer = optimizer;
    this.maxNorm = maxNorm;
  }

  /**
   * Computes a micro-batch's loss and adds the gradients of {@code loss / share}.
   *
   * @param loss a scalar, made when asked for
   * @param share micro-batches in this step
   * @return the loss, not divided
   */
  public double accumulate(Supplier<NDArray> loss, int share) {
    try (var _ = new Scope();
        var _ = Autograd.record()) {
      NDArray value = loss.get();
      double result = value.getFloat();
      add(Autograd.gradients(share == 1 ? value : Aten.div(value, share), parameters));
      return result;
    }
  }

  /**
   * {@link #accumulate(Supplier, int)} for a micro-batch that was computed in segments.
   *
   * @param loss number of a scalar
   */
  public double accumulate(Segments segments, int loss, int share) {
    try (var _ = new Scope()) {
      double result = segments.value(loss).getFloat();
      int part =
          share == 1
              ? loss
              : segments.single(
                  List.of(loss), List.of(), values -> Aten.div(values.getFirst(), share));
      add(segments.backward(part, parameters));
      return result;
    }
  }

  /** Takes gradients that belong to the innermost scope. */
  private void add(List<NDArray> found) {
    if (gradients == null) {
      found.forEach(Scope::release);
      gradients = found;
    } else {
      try (var _ = Autograd.pause()) {
        Foreach.addAll(gradients, found);
      }
    }
  }

  /** The gradients summed so far; valid until the next {@link #update}. */
  public List<NDArray> gradients() {
    if (gradients == null) {
      throw new IllegalStateException("no gradients: accumulate a micro-batch first");
    }
    return gradients;
  }

  /**
   * Clips the gradients, changes the parameters and forgets the gradients.
   *
   * @param factor of every group's rate
   * @return the gradients' norm before clipping
   */
  public double update(double factor) {
    try (var _ = new Scope();
        var _ = Autograd.pause()) {
      double norm = Foreach.clipAll(gradients(), maxNorm).getFloat();
      optimizer.step(gradients(), factor);
      clear();
      return norm;
    }
  }

  /** Forgets the gradients. */
  public void clear() {
    if (gradients != null) {
      gradients.forEach(NDArray::close);
      gradients = null;
    }
  }

  @Override
  public void close() {
    clear();
  }
}
