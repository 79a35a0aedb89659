package flora.tensors.pickle;

import flora.tensors.DType;
import java.util.Arrays;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The globals that a pickle may name, all of them. They are looked up here, never in a runtime, and
 * none of them is code.
 */
enum Global {
  ORDERED_DICT("collections.OrderedDict"),
  SIZE("torch.Size"),
  /** How Python 3 writes bytes in protocol 2: a text and {@code latin1}. */
  ENCODE("_codecs.encode"),

  REBUILD_TENSOR("torch._utils._rebuild_tensor"),
  REBUILD_TENSOR_V2("torch._utils._rebuild_tensor_v2"),
  REBUILD_TENSOR_V3("torch._utils._rebuild_tensor_v3"),
  REBUILD_PARAMETER("torch._utils._rebuild_parameter"),
  REBUILD_PARAMETER_WITH_STATE("torch._utils._rebuild_parameter_with_state"),

  FLOAT_STORAGE("torch.FloatStorage", DType.F32),
  HALF_STORAGE("torch.HalfStorage", DType.F16),
  BFLOAT16_STORAGE("torch.BFloat16Storage", DType.BF16),
  DOUBLE_STORAGE("torch.DoubleStorage", DType.F64),
  LONG_STORAGE("torch.LongStorage", DType.I64),
  INT_STORAGE("torch.IntStorage", DType.I32),
  SHORT_STORAGE("torch.ShortStorage", DType.I16),
  CHAR_STORAGE("torch.CharStorage", DType.I8),
  BYTE_STORAGE("torch.ByteStorage", DType.U8),
  BOOL_STORAGE("torch.BoolStorage", DType.BOOL),
  COMPLEX_FLOAT_STORAGE("torch.ComplexFloatStorage", DType.C64),
  UNTYPED_STORAGE("torch.storage.UntypedStorage", DType.U8),
  TYPED_STORAGE("torch.storage.TypedStorage"),

  FLOAT32("torch.float32", DType.F32),
  FLOAT16("torch.float16", DType.F16),
  BFLOAT16("torch.bfloat16", DType.BF16),
  FLOAT64("torch.float64", DType.F64),
  INT64("torch.int64", DType.I64),
  INT32("torch.int32", DType.I32),
  INT16("torch.int16", DType.I16),
  INT8("torch.int8", DType.I8),
  UINT8("torch.uint8", DType.U8),
  UINT16("torch.uint16", DType.U16),
  UINT32("torch.uint32", DType.U32),
  UINT64("torch.uint64", DType.U64),
  BOOL("torch.bool", DType.BOOL),
  COMPLEX64("torch.complex64", DType.C64),
  FLOAT8_E4M3FN("torch.float8_e4m3fn", DType.F8_E4M3),
  FLOAT8_E5M2("torch.float8_e5m2", DType.F8_E5M2);

  private static final Map<String, Global> BY_NAME =
      Arrays.stream(values()).collect(Collectors.toMap(g -> g.path, Function.identity()));

  private final String path;
  private final @Nullable DType dtype;

  Global(String path) {
    this(path, null);
  }

  Global(String path, @Nullable DType dtype) {
    this.path = path;
    this.dtype = dtype;
  }

  /** The global of that dotted name; null if it is not one of these. */
  static @Nullable Global of(String path) {
    return BY_NAME.get(path);
  }

  /** The element type of a storage class; null for all else. */
  @Nullable DType storage() {
    return path.endsWith("Storage") ? dtype : null;
  }

  /** The element type that this names; null for all else. */
  @Nullable DType dtype() {
    return path.endsWith("Storage") ? null : dtype;
  }

  @Override
  public String toString() {
    return path;
  }
}
