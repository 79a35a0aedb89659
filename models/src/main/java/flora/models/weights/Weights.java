package flora.models.weights;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import flora.models.ModelException.WeightsMismatch;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.tensors.SafetensorsFile;
import flora.tensors.TensorInfo;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/**
 * The weights of one network, seen from one of its blocks: {@link #child} steps down, {@link
 * #tensor} reads, and path plus name is the checkpoint key.
 *
 * <p>Files are mapped as a whole and tensors are views of them; only what is stored in another type
 * than fp32, or at an offset that does not fit its type, is copied. With a {@link Precision} other
 * than fp32 everything is copied and no mapping stays. What was read is remembered, so that {@link
 * #requireAllUsed} finds what the network left over. Not for several threads while a network is
 * built.
 */
public final class Weights implements AutoCloseable {

  /** What all views of one checkpoint share. */
  private static final class Root {
    final Checkpoint checkpoint;
    final KeyMap keys;
    final boolean isMapped;
    final Map<String, NDArray> tensors = new HashMap<>();
    final List<NDArray> made = new ArrayList<>();
    final Map<Path, Map<DataType, NDArray>> maps = new HashMap<>();
    final Set<String> unused = new HashSet<>();
    final Map<String, AdaptableLayer> layers = new LinkedHashMap<>();
    final Map<Precision, Integer> products = new EnumMap<>(Precision.class);

    Root(Checkpoint checkpoint, KeyMap keys, boolean isMapped) {
      this.checkpoint = checkpoint;
      this.keys = keys;
      this.isMapped = isMapped;
      checkpoint.names().forEach(name -> keys.key(name).ifPresent(unused::add));
    }
  }

  private final Root root;
  private final String path;
  private final String keyPrefix;
  private final Precision precision;

  private Weights(Root root, Precision precision, String path, String keyPrefix) {
    this.root = root;
    this.precision = precision;
    this.path = path;
    this.keyPrefix = keyPrefix;
  }

  /** The weights of the whole network; the checkpoint is closed with them. */
  public static Weights of(Checkpoint checkpoint) {
    return of(checkpoint, Precision.FP32);
  }

  private static Weights of(Checkpoint checkpoint, Precision precision) {
    return of(checkpoint, KeyMap.SAME, precision);
  }

  /** The weights of one of the networks of a file that has keys of its own for it. */
  public static Weights of(Checkpoint checkpoint, KeyMap keys, Precision precision) {
    var root = new Root(checkpoint, keys, precision == Precision.FP32);
    return new Weights(root, precision, "", "");
  }

  /** Opens a safetensors file, an index of shards, or a folder with one of them. */
  public static Weights open(Path file) {
    return open(file, Precision.FP32);
  }

  /** {@link #open(Path)} for a network whose linear layers compute in a precision. */
  public static Weights open(Path file, Precision precision) {
    return of(Checkpoint.open(file), precision);
  }

  /** How the linear layers of this block compute. */
  public Precision precision() {
    return precision;
  }

  /** The same block with linear layers of another precision. */
  public Weights with(Precision precision) {
    return new Weights(root, precision, path, keyPrefix);
  }

  /** The weights of a block inside this one. */
  public Weights child(String name) {
    return new Weights(root, precision, path + name + ".", keyPrefix + name + ".");
  }

  /** A block inside this one whose checkpoint keys bear another name than its path. */
  public Weights child(String name, String storedAs) {
    return new Weights(root, precision, path + name + ".", keyPrefix + storedAs + ".");
  }

  /** Where this block stands in its network, for instance {@code mid_block.resnets.0}. */
  public String path() {
    return path.isEmpty() ? "" : path.substring(0, path.length() - 1);
  }

  /** The file or index, for messages. */
  public Path source() {
    return root.checkpoint.source();
  }

  /** The files that are mapped now; none when closed. */
  Set<Path> mappedFiles() {
    return root.maps.keySet();
  }

  /** Whether the checkpoint has the key. */
  public boolean has(String name) {
    return root.checkpoint.contains(stored(name));
  }

  /** What the checkpoint says of a tensor. Throws {@link WeightsMismatch} if it is missing. */
  public TensorInfo info(String name) {
    require(name);
    return root.checkpoint.info(stored(name));
  }

  /**
   * A tensor as fp32, whole numbers as they are stored. The array lives as long as these weights.
   *
   * @param shape what the network needs; other extents are refused, except that trailing ones may
   *     be stored in addition (a 1×1 convolution where a linear layer is meant)
   */
  public NDArray tensor(String name, long... shape) {
    TensorInfo info = used(name, shape);
    return root.tensors.computeIfAbsent(
        info.name(), k -> Scope.release(load(info, new Shape(shape), !root.isMapped)));
  }

  /**
   * {@link #tensor} for one who makes something else of it: it belongs to the caller's scope and is
   * not remembered.
   */
  public NDArray borrow(String name, long... shape) {
    return load(used(name, shape), new Shape(shape), false);
  }

  /** Takes an array that was made of borrowed ones; it lives as long as these weights. */
  public NDArray hold(NDArray made) {
    root.made.add(Scope.release(made));
    return made;
  }

  private TensorInfo used(String name, long... shape) {
    TensorInfo info = info(name);
    if (!fits(info.shape(), shape)) {
      throw new WeightsMismatch(
          "%s: %s has shape %s, the configuration asks for %s"
              .formatted(source(), stored(name), info.shape(), new Shape(shape)));
    }
    root.unused.remove(keyPrefix + name);
    return info;
  }

  /** Makes a layer known under its path, for adapters to find. */
  public void announce(AdaptableLayer layer) {
    root.layers.put(layer.name(), layer);
  }

  /** Counts a product of matrices by how it is computed. */
  public void count(Precision product) {
    root.products.merge(product, 1, Integer::sum);
  }

  /** How many products of matrices of the whole network are computed in a precision. */
  public int products(Precision precision) {
    return root.products.getOrDefault(precision, 0);
  }

  /** The adaptable layers below this block by path, in the order in which they were built. */
  public Map<String, AdaptableLayer> layers() {
    var below = new LinkedHashMap<String, AdaptableLayer>();
    root.layers.forEach(
        (name, layer) -> {
          if (name.startsWith(path)) {
            below.put(name, layer);
          }
        });
    return Collections.unmodifiableMap(below);
  }

  /**
   * Checks that the network read every tensor of the checkpoint.
   *
   * @param ignorable keys that may be left over
   */
  public void requireAllUsed(Predicate<String> ignorable) {
    var left = new ArrayList<String>();
    for (String key : root.unused) {
      if (key.startsWith(keyPrefix) && !key.endsWith("position_ids") && !ignorable.test(key)) {
        left.add(key);
      }
    }
    if (!left.isEmpty()) {
      Collections.sort(left);
      throw new WeightsMismatch(
          "%s holds %d tensors that the configuration has no place for: %s"
              .formatted(source(), left.size(), shortened(left)));
    }
  }

  /** Frees the arrays and ends the mappings. */
  @Override
  public void close() {
    root.tensors.values().forEach(NDArray::close);
    root.made.forEach(NDArray::close);
    root.maps.values().forEach(maps -> maps.values().forEach(NDArray::close));
    root.tensors.clear();
    root.made.clear();
    root.maps.clear();
    root.checkpoint.close();
  }

  private String stored(String name) {
    return root.keys.stored(keyPrefix + name);
  }

  private void require(String name) {
    if (!has(name)) {
      var near =
          root.unused.stream().filter(key -> key.startsWith(keyPrefix)).sorted().limit(4).toList();
      throw new WeightsMismatch(
          "%s: %s is missing%s"
              .formatted(source(), stored(name), near.isEmpty() ? "" : "; there are " + near));
    }
  }

  private NDArray load(TensorInfo info, Shape shape, boolean ofItsOwn) {
    SafetensorsFile file = root.checkpoint.file(info.name());
    DataType type = type(info);
    long offset = file.fileOffset(info.name());
    int size = info.dtype().bytes();
    try (var scope = new Scope()) {
      NDArray stored =
          offset % size == 0
              ? Aten.slice(map(file, type, size), offset / size, info.count(), shape)
              : Aten.reinterpret(map(file, DataType.UINT8, 1), offset, info.size(), type, shape);
      NDArray cast = isFloating(type) ? Aten.cast(stored, DataType.FLOAT32) : stored;
      return scope.keep(ofItsOwn ? Aten.copy(cast) : cast);
    }
  }

  /** Remembered only where views of it are; otherwise it ends with the scope. */
  private NDArray map(SafetensorsFile file, DataType type, int size) {
    if (!root.isMapped) {
      return Aten.mapFile(file.path(), type, file.size() / size);
    }
    return root.maps
        .computeIfAbsent(file.path(), p -> new HashMap<>())
        .computeIfAbsent(
            type, t -> Scope.release(Aten.mapFile(file.path(), t, file.size() / size)));
  }

  private DataType type(TensorInfo info) {
    DType dtype = info.dtype();
    return switch (dtype) {
      case BOOL -> DataType.BOOLEAN;
      case U8 -> DataType.UINT8;
      case I8 -> DataType.INT8;
      case I16 -> DataType.INT16;
      case I32 -> DataType.INT32;
      case I64 -> DataType.INT64;
      case F16 -> DataType.FLOAT16;
      case BF16 -> DataType.BFLOAT16;
      case F32 -> DataType.FLOAT32;
      case F64 -> DataType.FLOAT64;
      case F8_E5M2, F8_E4M3, F8_E8M0, U16, U32, U64, C64 ->
          throw new WeightsMismatch(
              "%s: %s is stored as %s, supported are F32, F16, BF16 and F64"
                  .formatted(source(), info.name(), dtype));
    };
  }

  private static boolean isFloating(DataType type) {
    return type == DataType.FLOAT16
        || type == DataType.BFLOAT16
        || type == DataType.FLOAT32
        || type == DataType.FLOAT64;
  }

  private static boolean fits(List<Long> stored, long[] wanted) {
    if (stored.size() < wanted.length) {
      return false;
    }
    for (int i = 0; i < stored.size(); i++) {
      if (stored.get(i) != (i < wanted.length ? wanted[i] : 1)) {
        return false;
      }
    }
    return true;
  }

  private static String shortened(List<String> keys) {
    return keys.size() <= 8
        ? String.join(", ", keys)
        : String.join(", ", keys.subList(0, 8)) + ", … (" + (keys.size() - 8) + " more)";
  }
}
