package flora.tensors;

import java.util.List;

/**
 * What a header says of one tensor.
 *
 * @param name the key in the checkpoint
 * @param dtype the element type
 * @param shape the extents, outermost first; empty for a scalar; an extent may be 0
 * @param begin the first byte, counted from the start of the file's data section
 * @param end the byte after the last
 */
public record TensorInfo(String name, DType dtype, List<Long> shape, long begin, long end) {

  public TensorInfo {
    shape = List.copyOf(shape);
    if (begin < 0 || end < begin) {
      throw new IllegalArgumentException(
          "tensor " + name + " has the byte range " + begin + " to " + end);
    }
    if (byteCount(dtype, shape) != end - begin) {
      throw new IllegalArgumentException(
          "tensor %s holds %d bytes, but %s%s needs %d"
              .formatted(name, end - begin, dtype, shape, byteCount(dtype, shape)));
    }
  }

  /** The number of bytes of the tensor. */
  public long size() {
    return end - begin;
  }

  /** The number of elements; 1 for a scalar. */
  public long count() {
    return size() / dtype.bytes();
  }

  /**
   * The bytes that a tensor of this type and shape needs. Throws ArithmeticException if too many.
   */
  static long byteCount(DType dtype, List<Long> shape) {
    long count = 1;
    for (long extent : shape) {
      if (extent < 0) {
        throw new ArithmeticException("negative extent " + extent);
      }
      count = Math.multiplyExact(count, extent);
    }
    return Math.multiplyExact(count, (long) dtype.bytes());
  }
}
