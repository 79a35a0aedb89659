package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Foreach;
import flora.models.aten.Scope;
import flora.models.lora.LoraState;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Adam with decoupled weight decay (<a href="https://arxiv.org/abs/1711.05101">Loshchilov and
 * Hutter</a>): changes its parameters in place and remembers two moments of each.
 */
public final class AdamW implements AutoCloseable {

  private static final String FIRST = "exp_avg.";
  private static final String SECOND = "exp_avg_sq.";

  /**
   * Its numbers.
   *
   * @param beta1 decay of the first moment
   * @param beta2 decay of the second moment
   * @param eps added to the root of the second moment
   * @param decay of the weights, per step and unit of rate
   */
  public record Settings(double beta1, double beta2, double eps, double decay) {

    /** PyTorch's defaults. */
    public static final Settings DEFAULT = new Settings(0.9, 0.999, 1e-8, 1e-2);
  }

  private final Settings settings;
  private final ParameterGroups groups;
  private final List<String> names;
  private final List<NDArray> parameters;
  private final List<NDArray> first = new ArrayList<>();
  private final List<NDArray> second = new ArrayList<>();
  private final List<NDArray> counts = new ArrayList<>();
  private long steps;

  /** An optimizer that has taken no step yet. */
  public AdamW(ParameterGroups groups, Settings settings) {
    this.settings = settings;
    this.groups = groups;
    names = groups.names();
    parameters = groups.parameters();
    for (NDArray parameter : parameters) {
      int count = Math.toIntExact(parameter.getShape().size());
      long[] shape = parameter.getShape().getShape();
      first.add(Scope.release(Aten.of(new float[count], shape)));
      second.add(Scope.release(Aten.of(new float[count], shape)));
      counts.add(Scope.release(Aten.scalar(0)));
    }
  }

  /** What it changes. */
  public ParameterGroups groups() {
    return groups;
  }

  /** Steps taken since the beginning of the training. */
  public long steps() {
    return steps;
  }

  /**
   * Changes the parameters.
   *
   * @param gradients one for each parameter
   * @param factor of every group's rate; 0 still moves the moments
   */
  public void step(List<NDArray> gradients, double factor) {
    steps++;
    try (var _ = Autograd.pause()) {
      int from = 0;
      for (var group : groups.groups()) {
        int to = from + group.parameters().size();
        Foreach.adamW(
            group.parameters(),
            gradients.subList(from, to),
            first.subList(from, to),
            second.subList(from, to),
            counts.subList(from, to),
            group.rate() * factor,
            settings.beta1(),
            settings.beta2(),
            settings.decay(),
            settings.eps());
        from = to;
      }
    }
  }

  /** First moment, as a copy; for tests and reports. */
  public float[] firstMoment(int parameter) {
    return first.get(parameter).toFloatArray();
  }

  /** Second moment, as a copy. */
  public float[] secondMoment(int parameter) {
    return second.get(parameter).toFloatArray();
  }

  /**
   * Adds both moments of every parameter to a file: {@code exp_avg.GROUP.NAME,
   * exp_avg_sq.GROUP.NAME}.
   */
  public void writeTo(SafetensorsWriter writer) {
    for (int i = 0; i < names.size(); i++) {
      List<Long> shape = Arrays.stream(parameters.get(i).getShape().getShape()).boxed().toList();
      writer.add(FIRST + names.get(i), shape, firstMoment(i));
      writer.add(SECOND + names.get(i), shape, secondMoment(i));
    }
  }

  /**
   * Continues where {@link #writeTo} was called.
   *
   * @param steps {@link #steps} of then
   */
  public void read(Checkpoint file, long steps) {
    this.steps = steps;
    try (var _ = new Scope()) {
      for (int i = 0; i < names.size(); i++) {
        load(file, FIRST + names.get(i), first.get(i));
        load(file, SECOND + names.get(i), second.get(i));
        counts.get(i).set(new float[] {steps});
      }
    }
  }

  @Override
  public void close() {
    first.forEach(NDArray::close);
    second.forEach(NDArray::close);
    counts.forEach(NDArray::close);
  }

  private static void load(Checkpoint file, String key, NDArray target) {
    var matrix = LoraState.Matrix.read(file, key);
    if (matrix.values().length != target.getShape().size()) {
      throw new WeightsMismatch(
          "%s has shape %s, expected %s".formatted(key, matrix.shape(), target.getShape()));
    }
    target.set(matrix.values());
  }
}
