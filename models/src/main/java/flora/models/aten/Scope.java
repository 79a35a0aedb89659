package flora.models.aten;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDScope;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

/**
 * Closes every array that its thread made since it was opened, except what is kept. One per block
 * in a forward pass and one per training step, so that nothing waits for the garbage collector.
 *
 * <p>What is kept passes to the enclosing scope, or, if there is none, to the caller. What autograd
 * needs for the backward pass lives on inside the engine although its handle is closed.
 *
 * <pre>{@code
 * try (var scope = new Scope()) {
 *   var h = norm.forward(x);
 *   return scope.keep(conv.forward(h));
 * }
 * }</pre>
 */
public final class Scope implements AutoCloseable {
  private final NDScope arrays;
  private final List<NDArray> kept = new ArrayList<>(2);

  public Scope() {
    TorchEngine.prepareThread();
    arrays = new NDScope();
  }

  /** Runs {@code body} in a scope of its own and keeps its result. */
  public static NDArray keeping(Supplier<NDArray> body) {
    try (var scope = new Scope()) {
      return scope.keep(body.get());
    }
  }

  /** Runs {@code body} on {@code x} in a scope of its own, keeps its result and frees {@code x}. */
  public static NDArray replacing(NDArray x, UnaryOperator<NDArray> body) {
    NDArray y = keeping(() -> body.apply(x));
    x.close();
    return y;
  }

  /**
   * Takes an array out of the innermost scope of this thread without handing it to another: from
   * now on whoever holds it closes it. For weights and other things that outlive a step.
   */
  public static NDArray release(NDArray x) {
    NDScope.unregister(x);
    return x;
  }

  /** The opposite of {@link #release}: the innermost scope of this thread closes it from now on. */
  static NDArray adopt(NDArray x) {
    NDScope.register(x);
    return x;
  }

  /**
   * Lets an array outlive this scope. It must have been made inside it, and this must be the
   * innermost scope.
   */
  public NDArray keep(NDArray x) {
    NDScope.unregister(x);
    kept.add(x);
    return x;
  }

  /** {@link #keep(NDArray)} for each. */
  public NDList keep(NDList xs) {
    xs.forEach(this::keep);
    return xs;
  }

  /** {@link #keep(NDArray)} for each. */
  public List<NDArray> keep(List<NDArray> xs) {
    xs.forEach(this::keep);
    return xs;
  }

  @Override
  public void close() {
    arrays.close();
    kept.forEach(NDScope::register);
  }
}
