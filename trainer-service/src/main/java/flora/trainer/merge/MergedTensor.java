package flora.trainer.merge;

import flora.models.ModelException.WeightsMismatch;
import flora.tensors.DType;
import flora.tensors.TensorInfo;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.List;

/** One weight with its changes, row by row in the type in which it is stored. */
final class MergedTensor {
  private static final int CHUNK = 1 << 20;
  private static final ValueLayout.OfShort I16 =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat F32 =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble F64 =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final DType type;
  private final MemorySegment data;
  private final List<Change> changes;
  private final int rows;
  private final int columns;

  MergedTensor(Path file, TensorInfo info, MemorySegment data, List<Change> changes) {
    this.type = info.dtype();
    this.data = data;
    this.changes = changes;
    rows = info.shape().isEmpty() ? 0 : Math.toIntExact(info.shape().getFirst());
    columns = rows == 0 ? 0 : Math.toIntExact(info.count() / rows);
    for (var change : changes) {
      if (!change.fits(rows, columns)) {
        throw new WeightsMismatch(
            "%s: %s has shape %s, the adapter's matrices have %s and %s"
                .formatted(
                    file,
                    info.name(),
                    info.shape(),
                    change.pair().up().shape(),
                    change.pair().down().shape()));
      }
    }
    switch (type) {
      case F16, BF16, F32, F64 -> {}
      default ->
          throw new WeightsMismatch(
              "%s: %s is stored as %s, supported are F32, F16, BF16 and F64"
                  .formatted(file, info.name(), type));
    }
  }

  void writeTo(OutputStream out) throws IOException {
    var weights = new float[columns];
    var bytes = new byte[columns * type.bytes()];
    var row = MemorySegment.ofArray(bytes);
    for (int r = 0; r < rows; r++) {
      long from = (long) r * columns;
      for (int i = 0; i < columns; i++) {
        weights[i] = get(from + i);
      }
      for (var change : changes) {
        change.addTo(weights, r);
      }
      for (int i = 0; i < columns; i++) {
        set(row, i, weights[i]);
      }
      out.write(bytes);
    }
  }

  private float get(long i) {
    return switch (type) {
      case F16 -> Float.float16ToFloat(data.getAtIndex(I16, i));
      case BF16 -> Float.intBitsToFloat(data.getAtIndex(I16, i) << 16);
      case F64 -> (float) data.getAtIndex(F64, i);
      default -> data.getAtIndex(F32, i);
    };
  }

  /** Rounded to the nearest, to even where two are as near. */
  private void set(MemorySegment row, int i, float value) {
    switch (type) {
      case F16 -> row.setAtIndex(I16, i, Float.floatToFloat16(value));
      case BF16 -> {
        int bits = Float.floatToIntBits(value);
        row.setAtIndex(I16, i, (short) ((bits + 0x7fff + (bits >>> 16 & 1)) >>> 16));
      }
      case F64 -> row.setAtIndex(F64, i, value);
      default -> row.setAtIndex(F32, i, value);
    }
  }

  static void copy(MemorySegment data, OutputStream out) throws IOException {
    var chunk = new byte[(int) Math.min(CHUNK, data.byteSize())];
    for (long at = 0; at < data.byteSize(); at += CHUNK) {
      int n = (int) Math.min(CHUNK, data.byteSize() - at);
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, chunk, 0, n);
      out.write(chunk, 0, n);
    }
  }
}
