package flora.trainer.export;

import flora.tensors.DType;
import flora.tensors.SafetensorsFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads F32 tensors out of a file. */
final class Tensors {

  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Tensors() {}

  static Adapter.Tensor read(SafetensorsFile file, String name) {
    var info = file.info(name);
    if (info.dtype() != DType.F32) {
      throw new IllegalArgumentException(name + " is " + info.dtype() + ", expected F32");
    }
    MemorySegment data = file.data(name);
    var values = new float[Math.toIntExact(info.count())];
    for (int i = 0; i < values.length; i++) {
      values[i] = data.get(F32, (long) i * Float.BYTES);
    }
    return new Adapter.Tensor(info.shape(), values);
  }
}
