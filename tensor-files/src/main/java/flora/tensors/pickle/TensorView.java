package flora.tensors.pickle;

import flora.tensors.DType;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A tensor as a view of a storage: element {@code i, j, …} lies at {@code offset + i * strides[0] +
 * j * strides[1] + …}.
 *
 * @param dtype the element type, which need not be that of the storage
 * @param offset elements before the first
 * @param shape the extents, outermost first; empty for a scalar
 * @param strides elements from one index to the next, not negative
 */
record TensorView(
    Value.Storage storage, DType dtype, long offset, List<Long> shape, List<Long> strides) {

  /** One dimension of more than one index. */
  record Dimension(long extent, long stride) {}

  TensorView {
    shape = List.copyOf(shape);
    strides = List.copyOf(strides);
  }

  /** The number of elements. Throws ArithmeticException if there are too many to count. */
  long count() {
    long count = 1;
    for (long extent : shape) {
      count = Math.multiplyExact(count, extent);
    }
    return count;
  }

  /** Bytes of all elements. */
  long bytes() {
    return Math.multiplyExact(count(), (long) dtype.bytes());
  }

  /** Elements from the first to after the last. Throws ArithmeticException if too many. */
  long span() {
    long last = 0;
    for (int i = 0; i < shape.size(); i++) {
      last = Math.addExact(last, Math.multiplyExact(shape.get(i) - 1, strides.get(i)));
    }
    return Math.addExact(last, 1);
  }

  /** The dimensions that matter, outermost first. */
  List<Dimension> dimensions() {
    var dimensions = new ArrayList<Dimension>();
    for (int i = 0; i < shape.size(); i++) {
      if (shape.get(i) != 1) {
        dimensions.add(new Dimension(shape.get(i), strides.get(i)));
      }
    }
    return dimensions;
  }

  /** How many elements at the end of each row lie one after the other, and so can be copied. */
  long run() {
    long run = 1;
    for (var dimension : dimensions().reversed()) {
      if (dimension.stride != run) {
        break;
      }
      run *= dimension.extent;
    }
    return run;
  }

  /**
   * Whether the steps of one dimension fall between those of another, as unfolded windows do.
   * Repeated elements (stride 0) are no overlap in this sense.
   */
  boolean overlaps() {
    var inwards = new ArrayList<>(dimensions());
    inwards.sort(Comparator.comparingLong(Dimension::stride));
    long reach = 1;
    for (var dimension : inwards) {
      if (dimension.stride == 0) {
        continue;
      }
      if (dimension.stride < reach) {
        return true;
      }
      reach += (dimension.extent - 1) * dimension.stride;
    }
    return false;
  }
}
