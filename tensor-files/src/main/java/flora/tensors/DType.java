package flora.tensors;

import java.util.Arrays;
import java.util.Optional;

/**
 * The element types of a safetensors file.
 *
 * <p>The constants stand in the order of the reference implementation, which is also the order
 * (from the last to the first) in which it lays tensors out, so that wide elements come first and
 * every tensor is aligned.
 */
public enum DType {
  BOOL(1),
  U8(1),
  I8(1),
  F8_E5M2(1),
  F8_E4M3(1),
  F8_E8M0(1),
  I16(2),
  U16(2),
  F16(2),
  BF16(2),
  I32(4),
  U32(4),
  F32(4),
  C64(8),
  F64(8),
  I64(8),
  U64(8);

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }

  /** The type of that name in a file's header, such as {@code BF16}; empty if there is none. */
  public static Optional<DType> of(String name) {
    return Arrays.stream(values()).filter(type -> type.name().equals(name)).findFirst();
  }
}
