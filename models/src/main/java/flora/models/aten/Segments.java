package flora.models.aten;

import ai.djl.ndarray.NDArray;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * A computation cut into segments, each differentiated by itself: either what a segment recorded is
 * kept for the way back, or the segment is computed once more there, which takes time and saves
 * memory (gradient checkpointing, <a href="https://arxiv.org/abs/1604.06174">Chen et al.</a>).
 *
 * <pre>
 *   input ──▶ segment 0 ──▶ value ──▶ segment 1 ──▶ value … ──▶ scalar      run
 *         ◀── gradient  ◀── sum   ◀── gradient  ◀── sum   … ◀── 1           backward
 * </pre>
 *
 * <p>Segments hand over values that autograd sees as constants, and gradients are summed value by
 * value, last segment first. The way back is the same sequence of operators whether graphs are kept
 * or not, therefore gradients are equal to the bit in both cases. A segment before the first
 * parameter is neither recorded nor computed again.
 *
 * <p>Bodies are pure: called twice with equal inputs they give equal results, and they keep
 * nothing. All arrays in here are freed on {@link #close}. Not for several threads.
 */
public final class Segments implements AutoCloseable {

  /** What becomes of the graphs that segments record. */
  public enum Keep {
    /** All are kept for the way back. */
    ALL,
    /** Only those of segments with small inputs are kept; the others are recorded once more. */
    FIT
  }

  /** A value between segments; {@code upstream} is what its later users ask of it. */
  private static final class Value {
    final NDArray array;
    final boolean needsGradient;
    @Nullable NDArray upstream;

    Value(NDArray array, boolean needsGradient) {
      this.array = array;
      this.needsGradient = needsGradient;
    }

    void free() {
      array.close();
      if (upstream != null) {
        upstream.close();
        upstream = null;
      }
    }
  }

  /** A recorded segment: the inputs that autograd knows, and what was made of them. */
  private record Graph(List<NDArray> leaves, List<NDArray> results) {
    Graph release() {
      leaves.forEach(Scope::release);
      results.forEach(Scope::release);
      return this;
    }

    void free() {
      leaves.forEach(NDArray::close);
      results.forEach(NDArray::close);
    }
  }

  private record Segment(
      List<Integer> inputs,
      List<Integer> outputs,
      List<NDArray> own,
      UnaryOperator<List<NDArray>> body,
      @Nullable Graph kept) {}

  private final Keep keep;
  private final long keepBytes;
  private final Runnable afterSegment;
  private final List<Value> values = new ArrayList<>();
  private final List<Segment> segments = new ArrayList<>();
  // by identity: arrays are equal when their values are
  private final IdentityHashMap<NDArray, Value> inputs = new IdentityHashMap<>();
  private final IdentityHashMap<NDArray, NDArray> gradients = new IdentityHashMap<>();
  private boolean isSpent;

  /**
   * A computation without segments yet.
   *
   * @param keepBytes with {@link Keep#FIT}: the graphs of segments whose inputs have at most this
   *     many bytes together are kept all the same; 0 = none
   * @param afterSegment called whenever a segment has been run or differentiated
   */
  public Segments(Keep keep, long keepBytes, Runnable afterSegment) {
    this.keep = keep;
    this.keepBytes = keepBytes;
    this.afterSegment = afterSegment;
  }

  /** A computation that keeps every graph. */
  public static Segments keepingAll() {
    return new Segments(Keep.ALL, 0, () -> {});
  }

  /**
   * Takes a value from outside; the array stays the caller's and must not change until {@link
   * #backward}.
   *
   * @param needsGradient whether {@link #backward} may be asked for this array's gradient
   * @return the value's number
   */
  public int input(NDArray x, boolean needsGradient) {
    int id = add(x, needsGradient);
    if (needsGradient) {
      inputs.put(x, values.get(id));
    }
    return id;
  }

  /**
   * Computes a segment.
   *
   * @param inputs numbers of the values that it gets
   * @param own parameters that it uses; empty = there is nothing to train in it
   * @param body makes results of inputs
   * @return the results' numbers
   */
  public List<Integer> run(
      List<Integer> inputs, List<NDArray> own, UnaryOperator<List<NDArray>> body) {
    requireUnspent();
    boolean needs = !own.isEmpty() || inputs.stream().anyMatch(id -> values.get(id).needsGradient);
    var outputs = new ArrayList<Integer>();
    try (var _ = new Scope()) {
      Graph kept = null;
      List<NDArray> results;
      if (needs && isKept(inputs)) {
        kept = record(inputs, body);
        results = kept.results();
      } else {
        try (var _ = Autograd.pause()) {
          results =
              body.apply(inputs.stream().map(id -> Aten.detach(values.get(id).array)).toList());
        }
      }
      for (NDArray result : results) {
        outputs.add(add(result, needs));
      }
      segments.add(
          new Segment(
              List.copyOf(inputs),
              List.copyOf(outputs),
              List.copyOf(own),
              body,
              kept == null ? null : kept.release()));
    }
    afterSegment.run();
    return outputs;
  }

  /** {@link #run} for a body with one result. */
  public int single(
      List<Integer> inputs, List<NDArray> own, Function<List<NDArray>, NDArray> body) {
    return run(inputs, own, xs -> List.of(body.apply(xs))).getFirst();
  }

  /** The value of a number; it is this object's, and valid until {@link #backward}. */
  public NDArray value(int id) {
    requireUnspent();
    return values.get(id).array;
  }

  /**
   * Differentiates a scalar, once; frees all values and graphs on the way.
   *
   * @param parameters those of segments, or inputs that need a gradient
   * @return a gradient for each, in their order, of the caller's scope; zeros where the scalar does
   *     not depend on it
   */
  public List<NDArray> backward(int scalar, List<NDArray> parameters) {
    requireUnspent();
    isSpent = true;
    var wanted = new IdentityHashMap<NDArray, Boolean>();
    parameters.forEach(parameter -> wanted.put(parameter, true));
    Value end = values.get(scalar);
    if (end.needsGradient) {
      end.upstream = Scope.release(Aten.scalar(1));
    }
    for (Segment segment : segments.reversed()) {
      differentiate(segment, wanted);
      segment.outputs().forEach(id -> values.get(id).free());
      if (segment.kept() != null) {
        segment.kept().free();
      }
      afterSegment.run();
    }
    inputs.forEach(
        (array, value) -> {
          if (value.upstream != null && wanted.containsKey(array)) {
            collect(array, Aten.copy(value.upstream));
          }
        });
    List<NDArray> found =
        parameters.stream()
            .map(
                parameter -> {
                  NDArray gradient = gradients.get(parameter);
                  return gradient == null ? parameter.zerosLike() : Scope.adopt(gradient);
                })
            .toList();
    gradients.clear();
    return found;
  }

  /** Frees what is still here. */
  @Override
  public void close() {
    isSpent = true;
    for (Segment segment : segments) {
      if (segment.kept() != null) {
        segment.kept().free();
      }
    }
    values.forEach(Value::free);
    gradients.values().forEach(NDArray::close);
    segments.clear();
    values.clear();
    inputs.clear();
    gradients.clear();
  }

  private int add(NDArray x, boolean needsGradient) {
    requireUnspent();
    values.add(new Value(Scope.release(Aten.detach(x)), needsGradient));
    return values.size() - 1;
  }

  /** Known before the segment is computed, and the same on every machine. */
  private boolean isKept(List<Integer> inputs) {
    if (keep == Keep.ALL) {
      return true;
    }
    long bytes = 0;
    for (int id : inputs) {
      NDArray x = values.get(id).array;
      bytes += x.size() * x.getDataType().getNumOfBytes();
    }
    return bytes <= keepBytes;
  }

  /** The arrays belong to the innermost scope. */
  private Graph record(List<Integer> inputs, UnaryOperator<List<NDArray>> body) {
    try (var _ = Autograd.record()) {
      var leaves = new ArrayList<NDArray>();
      for (int id : inputs) {
        NDArray leaf = Aten.detach(values.get(id).array);
        leaves.add(values.get(id).needsGradient ? Autograd.parameter(leaf) : leaf);
      }
      return new Graph(leaves, List.copyOf(body.apply(leaves)));
    }
  }

  private void differentiate(Segment segment, IdentityHashMap<NDArray, Boolean> wanted) {
    if (segment.outputs().stream().allMatch(id -> values.get(id).upstream == null)) {
      return;
    }
    var ids = segment.inputs();
    var own = segment.own().stream().filter(wanted::containsKey).toList();
    if (own.isEmpty() && ids.stream().noneMatch(id -> values.get(id).needsGradient)) {
      return;
    }
    try (var _ = new Scope()) {
      Graph graph = segment.kept() == null ? record(ids, segment.body()) : segment.kept();
      var ys = new ArrayList<NDArray>();
      var upstreams = new ArrayList<NDArray>();
      for (int i = 0; i < graph.results().size(); i++) {
        NDArray upstream = values.get(segment.outputs().get(i)).upstream;
        if (upstream != null) {
          ys.add(graph.results().get(i));
          upstreams.add(upstream);
        }
      }
      var asking = new ArrayList<Value>();
      var xs = new ArrayList<NDArray>();
      for (int i = 0; i < ids.size(); i++) {
        if (values.get(ids.get(i)).needsGradient) {
          asking.add(values.get(ids.get(i)));
          xs.add(graph.leaves().get(i));
        }
      }
      xs.addAll(own);
      List<NDArray> found = Autograd.gradients(ys, upstreams, xs);
      for (int i = 0; i < asking.size(); i++) {
        Value value = asking.get(i);
        value.upstream = sum(value.upstream, found.get(i));
      }
      for (int i = 0; i < own.size(); i++) {
        collect(own.get(i), found.get(asking.size() + i));
      }
    }
  }

  private void collect(NDArray parameter, NDArray gradient) {
    gradients.put(parameter, sum(gradients.get(parameter), gradient));
  }

  /** Never in place: the engine may have handed the same memory to several. */
  private static NDArray sum(@Nullable NDArray before, NDArray gradient) {
    if (before == null) {
      return Scope.release(gradient);
    }
    try (var _ = Autograd.pause();
        before) {
      return Scope.release(Aten.add(before, gradient));
    }
  }

  private void requireUnspent() {
    if (isSpent) {
      throw new IllegalStateException("these segments were differentiated or closed already");
    }
  }
}
