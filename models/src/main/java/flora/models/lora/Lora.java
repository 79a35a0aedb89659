package flora.models.lora;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.Shape;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Autograd;
import flora.models.aten.Foreach;
import flora.models.aten.Scope;
import flora.models.lora.LoraKeys.Network;
import flora.models.random.RandomStream;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.AdaptableLayer.Geometry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A low-rank adapter in place: as long as it is open, the layers that it targets give changed
 * outputs. Not for several threads at once.
 */
public final class Lora implements AutoCloseable {

  /** Gives the values of a matrix, for a layer's name and a shape. */
  @FunctionalInterface
  private interface Source {
    NDArray matrix(String layer, long[] shape);
  }

  private final Network network;
  private final LoraConfig config;
  private final Map<String, AdaptableLayer> layers = new LinkedHashMap<>();
  private final Map<String, LoraPair> pairs = new LinkedHashMap<>();
  private double strength = 1;
  private @Nullable Dropout dropout;

  private Lora(
      Network network,
      Map<String, AdaptableLayer> all,
      LoraConfig config,
      Source matricesA,
      Source matricesB) {
    this.network = network;
    this.config = config;
    LoraTargets.groups(all, config.groups())
        .forEach(
            (name, group) -> {
              AdaptableLayer layer = Objects.requireNonNull(all.get(name));
              Geometry geometry = layer.geometry();
              NDArray a = matricesA.matrix(name, LoraPair.shapeOfA(geometry, group.rank()));
              NDArray b = matricesB.matrix(name, LoraPair.shapeOfB(geometry, group.rank()));
              var pair =
                  new LoraPair(
                      this, layer, pairs.size(), config.scale(group), parameter(a), parameter(b));
              layers.put(name, layer);
              pairs.put(name, pair);
            });
    layers.forEach((name, layer) -> layer.adapt(pairs.get(name)));
  }

  /**
   * A new adapter as peft begins one: A uniform within {@code ±1/√fan-in} (He's initialisation with
   * a = √5), B zero, so that it changes nothing yet.
   */
  public static Lora create(
      Network network, Map<String, AdaptableLayer> layers, LoraConfig config, long seed) {
    String prefix =
        switch (network) {
          case UNET -> "lora/";
          case TEXT_ENCODER -> "lora/text_encoder/";
        };
    return new Lora(
        network,
        layers,
        config,
        (name, shape) -> {
          int count = Math.toIntExact(new Shape(shape).size());
          float bound = (float) (1 / Math.sqrt((double) count / shape[0]));
          var stream = RandomStream.of(seed, prefix + name + ".lora_A");
          return Aten.of(stream.uniform(0, 0, count, -bound, bound), shape);
        },
        (name, shape) -> Aten.of(new float[Math.toIntExact(new Shape(shape).size())], shape));
  }

  /**
   * An adapter with given matrices.
   *
   * @throws WeightsMismatch when a matrix is missing, left over, or of another shape
   */
  public static Lora of(
      Network network, Map<String, AdaptableLayer> layers, LoraConfig config, LoraState state) {
    var left = new LinkedHashMap<>(state.matrices());
    var lora =
        new Lora(
            network,
            layers,
            config,
            (name, shape) -> take(left, name + LoraState.A, shape),
            (name, shape) -> take(left, name + LoraState.B, shape));
    try {
      requireNothing(left);
    } catch (WeightsMismatch e) {
      lora.close();
      throw e;
    }
    return lora;
  }

  private static void requireNothing(Map<String, LoraState.Matrix> left) {
    if (!left.isEmpty()) {
      throw new WeightsMismatch(
          "the adapter holds matrices that nothing targets: " + left.keySet());
    }
  }

  /** What is adapted. */
  public Network network() {
    return network;
  }

  public LoraConfig config() {
    return config;
  }

  /** The names of the adapted layers, in the network's order. */
  public List<String> layers() {
    return List.copyOf(pairs.keySet());
  }

  /** The rank of a layer's matrices. */
  public int rank(String layer) {
    return Math.toIntExact(pair(layer).a.getShape().get(0));
  }

  /** What, divided by the rank, a layer's change is multiplied by as trained. */
  public double alpha(String layer) {
    return pair(layer).scale * rank(layer);
  }

  private LoraPair pair(String layer) {
    LoraPair pair = pairs.get(layer);
    if (pair == null) {
      throw new IllegalArgumentException(layer + " is not adapted");
    }
    return pair;
  }

  /** All matrices, A before B, layer by layer. */
  public List<NDArray> parameters() {
    return pairs.values().stream().flatMap(pair -> List.of(pair.a, pair.b).stream()).toList();
  }

  /** The names of {@link #parameters()}: {@code layer.lora_A.weight, layer.lora_B.weight}. */
  public List<String> names() {
    return pairs.keySet().stream()
        .flatMap(name -> List.of(name + LoraState.A, name + LoraState.B).stream())
        .toList();
  }

  /** A copy of all matrices as they are now. */
  public LoraState state() {
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    pairs.forEach(
        (name, pair) -> {
          matrices.put(name + LoraState.A, LoraState.Matrix.of(pair.a));
          matrices.put(name + LoraState.B, LoraState.Matrix.of(pair.b));
        });
    return new LoraState(matrices);
  }

  /**
   * Puts other values into all matrices.
   *
   * @throws WeightsMismatch when a matrix is missing, left over, or of another shape
   */
  public void load(LoraState state) {
    var left = new LinkedHashMap<>(state.matrices());
    var values = new ArrayList<NDArray>();
    try (var _ = new Scope();
        var _ = Autograd.pause()) {
      pairs.forEach(
          (name, pair) -> {
            values.add(take(left, name + LoraState.A, pair.a.getShape().getShape()));
            values.add(take(left, name + LoraState.B, pair.b.getShape().getShape()));
          });
      requireNothing(left);
      Foreach.copyAll(parameters(), values);
    }
  }

  /** How strongly the adapter acts: 1 = as trained, 0 = not at all. */
  public void strength(double strength) {
    this.strength = strength;
  }

  /** Drops inputs on the way into the adapter from now on; null = none. */
  public void dropout(@Nullable Dropout dropout) {
    this.dropout = dropout;
  }

  /** Takes the adapter out of the network. */
  @Override
  public void close() {
    layers.values().forEach(layer -> layer.adapt(null));
    parameters().forEach(NDArray::close);
  }

  double strength() {
    return strength;
  }

  NDArray drop(NDArray x, int layer) {
    return dropout == null || config.dropout() == 0 ? x : dropout.drop(x, layer);
  }

  private static NDArray parameter(NDArray x) {
    return Autograd.parameter(Scope.release(x));
  }

  private static NDArray take(Map<String, LoraState.Matrix> left, String name, long[] shape) {
    LoraState.Matrix matrix = left.remove(name);
    if (matrix == null) {
      throw new WeightsMismatch("the adapter lacks " + name);
    }
    if (!matrix.hasShape(shape)) {
      throw new WeightsMismatch(
          "%s has shape %s, expected %s".formatted(name, matrix.shape(), new Shape(shape)));
    }
    return Aten.of(matrix.values(), shape);
  }
}
