package flora.tensors.pickle;

import flora.tensors.DType;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What the stack of the machine holds. Containers may contain themselves: nothing walks them. */
sealed interface Value {

  /** The word for a message. */
  String kind();

  record Text(String text) implements Value {
    @Override
    public String kind() {
      return "a text";
    }
  }

  record Whole(long number) implements Value {
    @Override
    public String kind() {
      return "a whole number";
    }
  }

  /** A whole number beyond 64 bits. */
  record Huge(BigInteger number) implements Value {
    @Override
    public String kind() {
      return "a whole number";
    }
  }

  record Truth(boolean is) implements Value {
    @Override
    public String kind() {
      return "a truth value";
    }
  }

  /** Something of which only the kind matters. */
  enum Plain implements Value {
    NONE("None"),
    FLOAT("a float"),
    BYTES("bytes");

    private final String kind;

    Plain(String kind) {
      this.kind = kind;
    }

    @Override
    public String kind() {
      return kind;
    }
  }

  record Named(Global global) implements Value {
    @Override
    public String kind() {
      return "the global " + global;
    }
  }

  final class Tuple implements Value {
    final List<Value> items;

    Tuple(List<Value> items) {
      this.items = List.copyOf(items);
    }

    @Override
    public String kind() {
      return "a tuple";
    }
  }

  final class Sequence implements Value {
    final List<Value> items = new ArrayList<>(0);

    @Override
    public String kind() {
      return "a list";
    }
  }

  /** A dict or OrderedDict. Only texts are keys that anybody looks for; others are counted. */
  final class Dict implements Value {
    final Map<String, Value> items = new LinkedHashMap<>(0);
    final boolean ordered;
    int others;

    Dict(boolean ordered) {
      this.ordered = ordered;
    }

    @Override
    public String kind() {
      return "a dict";
    }
  }

  /**
   * Bytes beside the pickle.
   *
   * @param key the number under which they lie
   * @param count elements
   */
  record Storage(String key, DType dtype, long count) implements Value {
    @Override
    public String kind() {
      return "a storage";
    }
  }

  record Tensor(TensorView view) implements Value {
    @Override
    public String kind() {
      return "a tensor";
    }
  }
}
