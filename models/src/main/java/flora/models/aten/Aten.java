package flora.models.aten;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.jni.ScriptMethods;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch's operators, one static method each, named and ordered as in PyTorch's documentation.
 *
 * <p>Results belong to the innermost {@link Scope} of the calling thread, whatever their operands
 * belong to. A shape or type that does not fit is an {@link ai.djl.engine.EngineException} in
 * PyTorch's words. Every method may be called from any platform thread. What changes many arrays at
 * once is in {@link Foreach}.
 */
public final class Aten {
  /** A hint for packed weights: other numbers of rows are as right and as fast. */
  private static final int TYPICAL_ROWS = 1024;

  private Aten() {}

  /** Starts the engine if it does not run yet, and returns the manager that arrays are made by. */
  public static NDManager manager() {
    TorchEngine.prepareThread();
    return TorchEngine.MANAGER;
  }

  // --- layers

  /** {@code x·wᵀ + b}; x {@code [..., in]}, w {@code [out, in]}. */
  public static NDArray linear(NDArray x, NDArray w, @Nullable NDArray b) {
    return one("linear", x, w, b);
  }

  /**
   * {@link #linear} as a convolution over rows of pixels, which the engine gives to another library
   * (oneDNN instead of MKL).
   */
  public static NDArray linearPixels(NDArray x, NDArray w, @Nullable NDArray b) {
    return one("linear_pixels", x, w, b);
  }

  /** {@code y + s·((x·aᵀ)·bᵀ)}: a linear layer's output with its low-rank change. */
  public static NDArray lora(NDArray y, NDArray x, NDArray a, NDArray b, double s) {
    return one("lora", y, x, a, b, s);
  }

  /**
   * A linear layer's dense fp32 w {@code [out, in]} in the order in which the processor's vector
   * units read it; for {@link #packedLinear}, which multiplies by it up to twice as fast as {@link
   * #linear} by w, whatever the number of rows. The array is opaque: it has neither a shape nor
   * values that could be read.
   */
  public static NDArray packLinear(NDArray w) {
    return one("pack_linear", w, TYPICAL_ROWS);
  }

  /**
   * {@link #linear} and an activation in one go; not differentiable.
   *
   * @param packed of {@link #packLinear}
   * @param activation {@code none}, {@code relu}, {@code gelu} (the exact one) or {@code swish}
   */
  public static NDArray packedLinear(
      NDArray x, NDArray packed, String activation, @Nullable NDArray b) {
    return one("packed_linear", x, packed, activation, b);
  }

  /** {@code x·wᵀ + b + y} in one go; not differentiable. */
  public static NDArray packedLinearAdd(NDArray x, NDArray y, NDArray packed, @Nullable NDArray b) {
    return one("packed_linear_add", x, y, packed, b);
  }

  /**
   * A linear layer's dense fp32 w {@code [out, in]} as whole numbers from −127 to 127 with a scale
   * for each output, for {@link #int8Linear}: three arrays, the first of them opaque.
   */
  public static List<NDArray> int8Pack(NDArray w) {
    return many("int8_pack", w, TYPICAL_ROWS);
  }

  /**
   * {@link #packedLinear} in whole numbers: x is rounded to 256 steps between its smallest and its
   * largest value, all of it by one scale.
   *
   * @param packed the three arrays of {@link #int8Pack}
   */
  public static NDArray int8Linear(
      NDArray x, List<NDArray> packed, String activation, @Nullable NDArray b) {
    return one("int8_linear", x, packed.get(0), packed.get(1), packed.get(2), activation, b);
  }

  /** Cross-correlation; x {@code [n, in, h, w]}, w {@code [out, in/groups, kh, kw]}. */
  public static NDArray conv2d(
      NDArray x, NDArray w, @Nullable NDArray b, int stride, int padding, int groups) {
    return one(
        "conv2d", x, w, new long[] {stride, stride}, new long[] {padding, padding}, groups, b);
  }

  /** {@link #conv2d(NDArray, NDArray, NDArray, int, int, int)} with one group. */
  public static NDArray conv2d(NDArray x, NDArray w, @Nullable NDArray b, int stride, int padding) {
    return conv2d(x, w, b, stride, padding, 1);
  }

  /**
   * A convolution that keeps the size, as one product of matrices: every pixel's surroundings
   * become a column. Much faster than {@link #conv2d} where channels are many and pixels are few,
   * because the kernel needs no reordering.
   *
   * @param w {@code [out, in, k, k]} with an odd k
   */
  public static NDArray conv2dColumns(NDArray x, NDArray w, NDArray b) {
    return one("conv2d_columns", x, w, b);
  }

  /** Group normalisation over {@code [n, c, ...]}. */
  public static NDArray groupNorm(NDArray x, int groups, NDArray w, NDArray b, double eps) {
    return one("group_norm", x, groups, eps, w, b);
  }

  /** Layer normalisation over the last axis. */
  public static NDArray layerNorm(NDArray x, NDArray w, NDArray b, double eps) {
    return one("layer_norm", x, eps, w, b);
  }

  /** {@code w[ids]}; w {@code [vocabulary, d]}, ids int64. */
  public static NDArray embedding(NDArray w, NDArray ids) {
    return one("embedding", w, ids);
  }

  // --- activations

  public static NDArray silu(NDArray x) {
    return one("silu", x);
  }

  /** The exact GELU (error function). */
  public static NDArray gelu(NDArray x) {
    return one("gelu", x, "none");
  }

  /** The tanh approximation of GELU. */
  public static NDArray geluTanh(NDArray x) {
    return one("gelu", x, "tanh");
  }

  /** {@code x·σ(1.702·x)}, OpenAI's CLIP. */
  public static NDArray quickGelu(NDArray x) {
    return one("quick_gelu", x);
  }

  public static NDArray relu(NDArray x) {
    return one("relu", x);
  }

  /** Splits the last axis into value and gate: {@code value · gelu(gate)}. */
  public static NDArray geglu(NDArray x) {
    return one("geglu", x);
  }

  public static NDArray softmax(NDArray x, int axis) {
    return one("softmax", x, axis);
  }

  // --- attention

  /** Scaled dot-product attention of {@code [n, heads, t, d]}; the mask is added to the scores. */
  public static NDArray sdpa(
      NDArray q, NDArray k, NDArray v, boolean causal, @Nullable NDArray mask) {
    return one("sdpa", q, k, v, causal, mask);
  }

  /**
   * Multi-head attention of already projected {@code [n, t, heads·d]}; returns {@code [n, t,
   * heads·d]}.
   */
  public static NDArray attention(
      NDArray q, NDArray k, NDArray v, int heads, boolean causal, @Nullable NDArray mask) {
    return one("attention", q, k, v, heads, causal, mask);
  }

  // --- arithmetic (operands broadcast)

  public static NDArray add(NDArray x, NDArray y) {
    return one("add", x, y);
  }

  /** Adds c {@code [n, c]} to every pixel of x {@code [n, c, h, w]}. */
  public static NDArray addChannels(NDArray x, NDArray c) {
    return one("add_channels", x, c);
  }

  /** {@code x·(1 + scale) + shift} per channel; c {@code [n, 2c]} holds scale then shift. */
  public static NDArray scaleShift(NDArray x, NDArray c) {
    return one("scale_shift", x, c);
  }

  public static NDArray sub(NDArray x, NDArray y) {
    return one("sub", x, y);
  }

  public static NDArray mul(NDArray x, NDArray y) {
    return one("mul", x, y);
  }

  public static NDArray mul(NDArray x, double s) {
    return one("scale", x, s);
  }

  public static NDArray add(NDArray x, double s) {
    return one("shift", x, s);
  }

  public static NDArray div(NDArray x, double s) {
    return one("div", x, s);
  }

  public static NDArray matmul(NDArray x, NDArray y) {
    return one("matmul", x, y);
  }

  /** {@code x · mask · s} for a uint8 mask of 0 and 1. */
  public static NDArray drop(NDArray x, NDArray mask, double s) {
    return one("drop", x, mask, s);
  }

  /** {@code x·a + y·b}: noise on a sample, a scheduler's step. */
  public static NDArray weightedSum(NDArray x, NDArray a, NDArray y, NDArray b) {
    return one("axpby", x, a, y, b);
  }

  /** {@code x·a − y·b}: the velocity of a noised sample. */
  public static NDArray weightedDifference(NDArray x, NDArray a, NDArray y, NDArray b) {
    return one("sub_axpby", x, a, y, b);
  }

  public static NDArray exp(NDArray x) {
    return one("exp", x);
  }

  public static NDArray clamp(NDArray x, double low, double high) {
    return one("clamp", x, low, high);
  }

  /** To the nearest integer, halves to the even one. */
  public static NDArray round(NDArray x) {
    return one("round", x);
  }

  /** Divides by the Euclidean norm along the last axis. */
  public static NDArray normalize(NDArray x) {
    return one("normalize", x);
  }

  public static NDArray sum(NDArray x) {
    return one("sum", x);
  }

  public static NDArray mean(NDArray x) {
    return one("mean", x);
  }

  /** Mean squared error over all elements, a scalar. */
  public static NDArray mse(NDArray x, NDArray y) {
    return one("mse", x, y);
  }

  /** The mean distance of each sample: {@code [n, …] → [n]}. */
  public static NDArray absoluteEach(NDArray x, NDArray y) {
    return one("l1_each", x, y);
  }

  /** The mean of {@code factor · (√((x − y)² + c²) − c)} of each sample: {@code [n, …] → [n]}. */
  public static NDArray huberEach(NDArray x, NDArray y, NDArray c, NDArray factor) {
    return one("huber_each", x, y, c, factor);
  }

  /** Mean squared error of each sample: {@code [n, ...] → [n]}. */
  public static NDArray mseEach(NDArray x, NDArray y) {
    return one("mse_each", x, y);
  }

  // --- shape

  public static NDArray cat(List<NDArray> xs, int axis) {
    return one("cat", xs, axis);
  }

  public static NDArray stack(List<NDArray> xs, int axis) {
    return one("stack", xs, axis);
  }

  public static List<NDArray> chunk(NDArray x, int n, int axis) {
    return many("chunk", x, n, axis);
  }

  /** A view of {@code length} entries of an axis, from {@code start}. */
  public static NDArray narrow(NDArray x, int axis, long start, long length) {
    return one("narrow", x, axis, start, length);
  }

  public static NDArray indexSelect(NDArray x, int axis, NDArray index) {
    return one("index_select", x, axis, index);
  }

  public static NDArray argmax(NDArray x, int axis) {
    return one("argmax", x, axis);
  }

  public static NDArray reshape(NDArray x, long... shape) {
    return one("reshape", x, shape);
  }

  public static NDArray permute(NDArray x, long... axes) {
    return one("permute", x, axes);
  }

  public static NDArray transpose(NDArray x, int a, int b) {
    return one("transpose", x, a, b);
  }

  public static NDArray expand(NDArray x, long... shape) {
    return one("expand", x, shape);
  }

  public static NDArray contiguous(NDArray x) {
    return one("contiguous", x);
  }

  /** A copy of its own. */
  public static NDArray copy(NDArray x) {
    return one("clone", x);
  }

  /** The same values, unknown to autograd. */
  public static NDArray detach(NDArray x) {
    return one("detach", x);
  }

  /** {@code [n, c, h, w] → [n, h·w, c]}. */
  public static NDArray toTokens(NDArray x) {
    return one("to_tokens", x);
  }

  /** {@code [n, h·w, c] → [n, c, h, w]}. */
  public static NDArray toMap(NDArray x, long h, long w) {
    return one("to_map", x, h, w);
  }

  /** Pads with a constant; sides from the last axis backwards, before and after each. */
  public static NDArray pad(NDArray x, double value, long... sides) {
    return one("pad", x, sides, value);
  }

  /** Nearest-neighbour interpolation of {@code [n, c, h, w]} to a size. */
  public static NDArray nearest(NDArray x, long height, long width) {
    return one("nearest", x, new long[] {height, width});
  }

  // --- types, files, making arrays

  /**
   * The values in another type; the same array where it has that type. The engine calls a bf16
   * array's type unknown: cast it before it is read or handed to {@code NDArray}'s own methods.
   */
  public static NDArray cast(NDArray x, DataType type) {
    return x.getDataType() == type ? x : one("cast", x, code(type));
  }

  /**
   * Maps the first {@code count} values of a file, {@code count · size(type)} bytes; writing to the
   * array would change memory, never the file. On another device than the processor they are
   * copied.
   */
  public static NDArray mapFile(Path file, DataType type, long count) {
    return Placement.place(one("from_file", file.toString(), count, code(type)));
  }

  /** A view of {@code [start, start + count)} of a flat array, in a shape. */
  public static NDArray slice(NDArray flat, long start, long count, Shape shape) {
    return one("slice", flat, start, count, shape.getShape());
  }

  /** A copy of {@code [start, start + count)} of a flat uint8 array, read as another type. */
  public static NDArray reinterpret(
      NDArray bytes, long start, long count, DataType type, Shape shape) {
    return one("reinterpret", bytes, start, count, code(type), shape.getShape());
  }

  /** The values on another device; the same values where they are there already. */
  public static NDArray to(NDArray x, ComputeDevice device) {
    return one("to_device", x, device.forTorch());
  }

  /** An fp32 array of these values, where the thread's {@link Placement} says. */
  public static NDArray of(float[] values, long... shape) {
    return copied(manager().create(values, new Shape(shape)));
  }

  /** An int64 array of these values. */
  public static NDArray of(long[] values, long... shape) {
    return copied(manager().create(values, new Shape(shape)));
  }

  /** A uint8 array of these values. */
  public static NDArray of(byte[] values, long... shape) {
    return copied(manager().create(ByteBuffer.wrap(values), new Shape(shape), DataType.UINT8));
  }

  /** An fp32 array without axes. */
  public static NDArray scalar(double value) {
    return copied(manager().create((float) value));
  }

  // --- calls

  static List<NDArray> many(String method, @Nullable Object... arguments) {
    TorchEngine.prepareThread();
    return ScriptMethods.tensors(TorchEngine.OPERATORS, TorchEngine.MANAGER, method, arguments);
  }

  static NDArray one(String method, @Nullable Object... arguments) {
    TorchEngine.prepareThread();
    return ScriptMethods.tensor(TorchEngine.OPERATORS, TorchEngine.MANAGER, method, arguments);
  }

  static void none(String method, @Nullable Object... arguments) {
    TorchEngine.prepareThread();
    ScriptMethods.run(TorchEngine.OPERATORS, method, arguments);
  }

  /**
   * DJL's array lies over a buffer of Java's, which the collector frees when the handle is closed.
   * Autograd may still need the values then: they have to be PyTorch's own.
   */
  private static NDArray copied(NDArray overJavaMemory) {
    try (overJavaMemory) {
      return Placement.place(one("clone", overJavaMemory));
    }
  }

  /** PyTorch's number of a type ({@code c10::ScalarType}). */
  private static int code(DataType type) {
    return switch (type) {
      case UINT8 -> 0;
      case INT8 -> 1;
      case INT16 -> 2;
      case INT32 -> 3;
      case INT64 -> 4;
      case FLOAT16 -> 5;
      case FLOAT32 -> 6;
      case FLOAT64 -> 7;
      case BOOLEAN -> 11;
      case BFLOAT16 -> 15;
      default -> throw new IllegalArgumentException("no arrays of type " + type);
    };
  }
}
