package flora.models.lora;

import ai.djl.ndarray.NDArray;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.tensors.SafetensorsWriter;
import flora.tensors.TensorInfo;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The matrices of an adapter on the heap, by {@code layer.lora_A.weight} and {@code
 * layer.lora_B.weight} (peft's names).
 */
public final class LoraState {
  public static final String A = ".lora_A.weight";
  public static final String B = ".lora_B.weight";

  /** One fp32 matrix; its values are not copied. */
  public static final class Matrix {
    private static final ValueLayout.OfFloat F32 =
        ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort I16 =
        ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final long[] shape;
    private final float[] values;

    /** Takes over both arrays. */
    public Matrix(long[] shape, float[] values) {
      this.shape = shape;
      this.values = values;
    }

    static Matrix of(NDArray x) {
      return new Matrix(x.getShape().getShape(), x.toFloatArray());
    }

    /** Reads a tensor of a file, whatever floating type it is stored in. */
    public static Matrix read(Checkpoint file, String key) {
      TensorInfo info = file.info(key);
      MemorySegment data = file.data(key);
      return new Matrix(
          info.shape().stream().mapToLong(Long::longValue).toArray(),
          values(info.dtype(), data, Math.toIntExact(info.count()), key));
    }

    private static float[] values(DType type, MemorySegment data, int count, String key) {
      if (type == DType.F32) {
        return data.toArray(F32);
      }
      var values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] =
            switch (type) {
              case F16 -> Float.float16ToFloat(data.getAtIndex(I16, i));
              case BF16 -> Float.intBitsToFloat(data.getAtIndex(I16, i) << 16);
              default -> throw new IllegalArgumentException(key + " is stored as " + type);
            };
      }
      return values;
    }

    public List<Long> shape() {
      return Arrays.stream(shape).boxed().toList();
    }

    public float[] values() {
      return values;
    }

    boolean hasShape(long[] other) {
      return Arrays.equals(shape, other);
    }
  }

  private final Map<String, Matrix> matrices;

  public LoraState(Map<String, Matrix> matrices) {
    this.matrices = Collections.unmodifiableMap(new LinkedHashMap<>(matrices));
  }

  /** By name, in the network's order. */
  public Map<String, Matrix> matrices() {
    return matrices;
  }

  /** Adds every matrix to a file under its name. */
  public void writeTo(SafetensorsWriter writer) {
    matrices.forEach((name, matrix) -> writer.add(name, matrix.shape(), matrix.values()));
  }

  /** Reads every matrix of a file that {@link #writeTo} filled. */
  public static LoraState read(Checkpoint file) {
    var matrices = new LinkedHashMap<String, Matrix>();
    for (String name : file.names()) {
      if (name.endsWith(A) || name.endsWith(B)) {
        matrices.put(name, Matrix.read(file, name));
      }
    }
    return new LoraState(matrices);
  }
}
