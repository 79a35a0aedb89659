package flora.models.train;

import ai.djl.ndarray.NDArray;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Foreach;
import flora.models.aten.Scope;
import flora.models.lora.LoraState;
import flora.models.train.ParameterGroups.Group;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;

/**
 * A moving average of parameters over the steps of a training, which follows closely at first and
 * slowly later: diffusers' {@code EMAModel} as its scripts use it.
 */
public final class Ema implements AutoCloseable {
  private static final String PREFIX = "ema.";

  private final ParameterGroups groups;
  private final List<NDArray> parameters;
  private final List<NDArray> averages = new ArrayList<>();
  private final double decay;

  /** An average that begins with the parameters as they are now. */
  public Ema(ParameterGroups groups, double decay) {
    this.groups = groups;
    this.decay = decay;
    parameters = groups.parameters();
    copies(parameters, averages);
  }

  /**
   * Moves the average, after the parameters were changed.
   *
   * @param step optimizer steps taken, this one included
   */
  public void update(long step) {
    double kept = step <= 1 ? 0 : Math.min(decay, (double) step / (9 + step));
    try (var _ = Autograd.pause()) {
      Foreach.lerpAll(averages, parameters, 1 - kept);
    }
  }

  /** The average of a group's parameters, as a copy. */
  public LoraState state(Group group) {
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    int at = 0;
    for (Group each : groups.groups()) {
      for (String name : each.names()) {
        NDArray average = averages.get(at++);
        if (each.name().equals(group.name())) {
          matrices.put(
              name, new LoraState.Matrix(average.getShape().getShape(), average.toFloatArray()));
        }
      }
    }
    return new LoraState(matrices);
  }

  /** Puts the average into the parameters' place until what it gives back is closed. */
  public Swap swapIn() {
    var before = new ArrayList<NDArray>();
    copies(parameters, before);
    set(averages);
    return new Swap(before);
  }

  /** The parameters while the average stands in their place. */
  public final class Swap implements AutoCloseable {
    private final List<NDArray> before;

    private Swap(List<NDArray> before) {
      this.before = before;
    }

    /** Puts the parameters back. */
    @Override
    public void close() {
      set(before);
      before.forEach(NDArray::close);
    }
  }

  /** Adds the average of every parameter to a file: {@code ema.GROUP.NAME}. */
  public void writeTo(SafetensorsWriter writer) {
    List<String> names = groups.names();
    for (int i = 0; i < names.size(); i++) {
      NDArray average = averages.get(i);
      List<Long> shape = Arrays.stream(average.getShape().getShape()).boxed().toList();
      writer.add(PREFIX + names.get(i), shape, average.toFloatArray());
    }
  }

  /** Continues where {@link #writeTo} was called. */
  public void read(Checkpoint file) {
    List<String> names = groups.names();
    for (int i = 0; i < names.size(); i++) {
      String key = PREFIX + names.get(i);
      var matrix = LoraState.Matrix.read(file, key);
      NDArray average = averages.get(i);
      if (matrix.values().length != average.getShape().size()) {
        throw new WeightsMismatch(
            "%s has shape %s, expected %s".formatted(key, matrix.shape(), average.getShape()));
      }
      average.set(matrix.values());
    }
  }

  @Override
  public void close() {
    averages.forEach(NDArray::close);
  }

  private void set(List<NDArray> values) {
    try (var _ = Autograd.pause()) {
      Foreach.copyAll(parameters, values);
    }
  }

  private static void copies(List<NDArray> from, List<NDArray> to) {
    try (var _ = new Scope();
        var _ = Autograd.pause()) {
      for (NDArray each : from) {
        to.add(Scope.release(Aten.copy(Aten.detach(each))));
      }
    }
  }
}
