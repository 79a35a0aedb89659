package flora.tensors.pickle;

import flora.tensors.DType;
import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.ForbiddenOpcode;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.TooLarge;
import flora.tensors.pickle.PickleException.Unsupported;
import flora.tensors.pickle.Value.Dict;
import flora.tensors.pickle.Value.Named;
import flora.tensors.pickle.Value.Plain;
import flora.tensors.pickle.Value.Sequence;
import flora.tensors.pickle.Value.Storage;
import flora.tensors.pickle.Value.Tensor;
import flora.tensors.pickle.Value.Text;
import flora.tensors.pickle.Value.Truth;
import flora.tensors.pickle.Value.Tuple;
import flora.tensors.pickle.Value.Whole;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The few calls that put tensors together: {@code torch/_utils.py} ({@code _rebuild_*}) and the
 * persistent ids of {@code torch/serialization.py}. Every number is checked here, before any is
 * used.
 */
final class Rebuild {

  private static final Pattern KEY = Pattern.compile("[0-9]{1,20}");

  private final String file;
  private final Map<String, Storage> storages = new LinkedHashMap<>();
  private int tensors;
  private int pairs;

  Rebuild(String file) {
    this.file = file;
  }

  /** The storages that were named so far, by key. */
  Map<String, Storage> storages() {
    return storages;
  }

  /**
   * The storage that a persistent id names: {@code ("storage", class, key, location, count)}, in
   * the older form with a sixth part that is None.
   */
  Storage storage(Value id, PickleInput in) {
    var named =
        id instanceof Tuple tuple
                && (tuple.items.size() == 5 || tuple.items.size() == 6)
                && tuple.items.get(0) instanceof Text(String word)
                && word.equals("storage")
            ? tuple.items
            : null;
    if (named == null) {
      throw new ForbiddenOpcode(
          file, "BINPERSID", in.position() - 1, " names " + id.kind() + " that is no storage");
    }
    var dtype = named.get(1) instanceof Named(Global global) ? global.storage() : null;
    if (dtype == null) {
      throw in.malformed("a storage whose class is " + named.get(1).kind());
    }
    if (!(named.get(2) instanceof Text(String key)) || !KEY.matcher(key).matches()) {
      throw new Malformed(
          file, Defect.BAD_NAME, "a storage has a key that is not a number of up to 20 digits");
    }
    if (!(named.get(4) instanceof Whole(long count)) || count < 0) {
      throw bounds("storage " + key + " has no sound count of elements");
    }
    if (named.size() == 6 && named.get(5) != Plain.NONE) {
      throw new Unsupported(file, "has storages that are views of others, which is not read");
    }
    var storage = new Storage(key, dtype, count);
    multiply(count, dtype.bytes(), "storage " + key);
    var known = storages.putIfAbsent(key, storage);
    if (known != null && bytes(known) != bytes(storage)) {
      throw new Malformed(file, Defect.BAD_STORAGE, "storage " + key + " has two sizes");
    }
    return storage;
  }

  static long bytes(Storage storage) {
    return Math.multiplyExact(storage.count(), (long) storage.dtype().bytes());
  }

  /** The value of a call. */
  Value call(Global global, List<Value> arguments, PickleInput in) {
    return switch (global) {
      case ORDERED_DICT -> orderedDict(arguments, in);
      case SIZE -> {
        if (arguments.size() == 1 && arguments.getFirst() instanceof Tuple size) {
          yield size;
        }
        throw in.malformed("a torch.Size of no tuple");
      }
      case ENCODE -> {
        if (!arguments.isEmpty() && arguments.getFirst() instanceof Text) {
          yield Plain.BYTES;
        }
        throw in.malformed("bytes that are no text");
      }
      case REBUILD_TENSOR -> tensor(global, arguments, 4, 4, in);
      case REBUILD_TENSOR_V2 -> tensor(global, arguments, 6, 7, in);
      case REBUILD_TENSOR_V3 -> tensor(global, arguments, 7, 8, in);
      case REBUILD_PARAMETER -> parameter(global, arguments, 3, in);
      case REBUILD_PARAMETER_WITH_STATE -> parameter(global, arguments, 4, in);
      case FLOAT_STORAGE,
          HALF_STORAGE,
          BFLOAT16_STORAGE,
          DOUBLE_STORAGE,
          LONG_STORAGE,
          INT_STORAGE,
          SHORT_STORAGE,
          CHAR_STORAGE,
          BYTE_STORAGE,
          BOOL_STORAGE,
          COMPLEX_FLOAT_STORAGE,
          UNTYPED_STORAGE,
          TYPED_STORAGE,
          FLOAT32,
          FLOAT16,
          BFLOAT16,
          FLOAT64,
          INT64,
          INT32,
          INT16,
          INT8,
          UINT8,
          UINT16,
          UINT32,
          UINT64,
          BOOL,
          COMPLEX64,
          FLOAT8_E4M3FN,
          FLOAT8_E5M2 ->
          throw new ForbiddenOpcode(file, "REDUCE", in.position() - 1, " calls " + global);
    };
  }

  /** Python 2 gave the items as one list of pairs, later ones set them afterwards. */
  private Dict orderedDict(List<Value> arguments, PickleInput in) {
    var dict = new Dict(true);
    if (arguments.isEmpty()) {
      return dict;
    }
    if (arguments.size() != 1 || !(arguments.getFirst() instanceof Sequence given)) {
      throw in.malformed("an OrderedDict of no list");
    }
    // the same list may be given again and again
    pairs += given.items.size();
    if (pairs > Limits.PAIRS) {
      throw new TooLarge(file, "pairs of dicts", Limits.PAIRS);
    }
    for (var pair : given.items) {
      var items =
          switch (pair) {
            case Tuple tuple -> tuple.items;
            case Sequence list -> list.items;
            default -> List.<Value>of();
          };
      if (items.size() != 2) {
        throw in.malformed("an OrderedDict of no pairs");
      }
      if (items.getFirst() instanceof Text(String key)) {
        dict.items.put(key, items.getLast());
      } else {
        dict.others++;
      }
    }
    return dict;
  }

  private Value parameter(Global global, List<Value> arguments, int count, PickleInput in) {
    if (arguments.size() == count && arguments.getFirst() instanceof Tensor tensor) {
      return tensor;
    }
    throw in.malformed("a call of " + global + " without a tensor");
  }

  /** {@code (storage, offset, size, stride, requires_grad, hooks[, dtype][, metadata])}. */
  private Tensor tensor(Global global, List<Value> given, int least, int most, PickleInput in) {
    if (given.size() < least
        || given.size() > most
        || !(given.get(0) instanceof Storage storage)
        || !(given.get(1) instanceof Whole(long offset))) {
      throw in.malformed("a call of " + global + " with other arguments than it has");
    }
    if (++tensors > Limits.TENSORS) {
      throw new TooLarge(file, "tensors", Limits.TENSORS);
    }
    DType dtype = storage.dtype();
    if (global == Global.REBUILD_TENSOR_V3) {
      dtype = given.get(6) instanceof Named(Global type) ? type.dtype() : null;
      if (dtype == null) {
        throw in.malformed("a tensor whose type is " + given.get(6).kind());
      }
    }
    if (given.size() == most && least < most) {
      refuseLazyBits(given.getLast());
    }
    var view =
        new TensorView(
            storage, dtype, offset, numbers(given.get(2), in), numbers(given.get(3), in));
    check(view);
    return new Tensor(view);
  }

  /** A conjugate or negated tensor stores other numbers than it means. */
  private void refuseLazyBits(Value metadata) {
    if (metadata instanceof Dict bits && bits.items.containsValue(new Truth(true))) {
      throw new Unsupported(
          file, "has a tensor with the bits %s set".formatted(bits.items.keySet()));
    }
  }

  private List<Long> numbers(Value value, PickleInput in) {
    var items =
        switch (value) {
          case Tuple tuple -> tuple.items;
          case Sequence list -> list.items;
          default -> throw in.malformed("a shape that is " + value.kind());
        };
    if (items.size() > Limits.RANK) {
      throw new TooLarge(file, "dimensions in a tensor", Limits.RANK);
    }
    var numbers = new ArrayList<Long>(items.size());
    for (var item : items) {
      if (!(item instanceof Whole(long number))) {
        throw in.malformed("an extent that is " + item.kind());
      }
      if (number < 0) {
        throw bounds("a tensor has the negative extent or stride " + number);
      }
      numbers.add(number);
    }
    return numbers;
  }

  private void check(TensorView view) {
    var what = "a tensor of shape " + view.shape();
    if (view.shape().size() != view.strides().size()) {
      throw bounds(what + " has " + view.strides().size() + " strides");
    }
    if (view.offset() < 0) {
      throw bounds(what + " has a negative offset");
    }
    try {
      long count = view.count();
      Math.multiplyExact(count, (long) view.dtype().bytes());
      if (count == 0) {
        return;
      }
      long end = Math.addExact(view.offset(), view.span());
      long needed = Math.multiplyExact(end, (long) view.dtype().bytes());
      if (needed > bytes(view.storage())) {
        throw bounds(
            what
                + " needs %d bytes of storage %s, which has %d"
                    .formatted(needed, view.storage().key(), bytes(view.storage())));
      }
    } catch (ArithmeticException e) {
      throw bounds(what + " has more bytes than can be counted");
    }
    if (view.overlaps()) {
      throw new Unsupported(
          file, "has %s whose elements overlap (strides %s)".formatted(what, view.strides()));
    }
  }

  private void multiply(long count, int bytes, String what) {
    try {
      Math.multiplyExact(count, (long) bytes);
    } catch (ArithmeticException e) {
      throw bounds(what + " has more bytes than can be counted");
    }
  }

  private Malformed bounds(String detail) {
    return new Malformed(file, Defect.OUT_OF_BOUNDS, detail);
  }
}
