package flora.trainer.export;

import flora.models.lora.LoraState;
import flora.schemas.request.KeepPlan.SavePrecision;
import flora.tensors.Checkpoint;
import flora.tensors.DType;
import flora.tensors.SafetensorsWriter;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

/** Reads and writes tensors of a file in one of three floating types. */
final class Tensors {

  private Tensors() {}

  static Adapter.Tensor read(Checkpoint file, String name) {
    var matrix = LoraState.Matrix.read(file, name);
    return new Adapter.Tensor(matrix.shape(), matrix.values());
  }

  /** Adds a tensor, each value rounded to the nearest, to even where two are as near. */
  static void add(
      SafetensorsWriter writer, String name, Adapter.Tensor tensor, SavePrecision precision) {
    switch (precision) {
      case FP32 -> writer.add(name, tensor.shape(), tensor.values());
      case FP16 -> add(writer, name, DType.F16, tensor.shape(), halves(tensor.values()));
      case BF16 -> add(writer, name, DType.BF16, tensor.shape(), brainHalves(tensor.values()));
    }
  }

  /** What remains of a value in a file. */
  static float rounded(float value, SavePrecision precision) {
    return switch (precision) {
      case FP32 -> value;
      case FP16 -> Float.float16ToFloat(Float.floatToFloat16(value));
      case BF16 -> Float.intBitsToFloat(brainHalf(value) << 16);
    };
  }

  private static void add(
      SafetensorsWriter writer, String name, DType type, List<Long> shape, short[] values) {
    writer.add(
        name,
        type,
        shape,
        out -> {
          var bytes = ByteBuffer.allocate(2 * values.length).order(ByteOrder.LITTLE_ENDIAN);
          bytes.asShortBuffer().put(values);
          out.write(bytes.array());
        });
  }

  private static short[] halves(float[] values) {
    var halves = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      halves[i] = Float.floatToFloat16(values[i]);
    }
    return halves;
  }

  private static short[] brainHalves(float[] values) {
    var halves = new short[values.length];
    for (int i = 0; i < values.length; i++) {
      halves[i] = (short) brainHalf(values[i]);
    }
    return halves;
  }

  private static int brainHalf(float value) {
    int bits = Float.floatToIntBits(value);
    return Float.isNaN(value) ? bits >>> 16 : (bits + 0x7fff + (bits >>> 16 & 1)) >>> 16;
  }
}
