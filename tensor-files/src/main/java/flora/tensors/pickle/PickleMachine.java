package flora.tensors.pickle;

import flora.tensors.pickle.PickleException.ForbiddenGlobal;
import flora.tensors.pickle.PickleException.ForbiddenOpcode;
import flora.tensors.pickle.PickleException.TooLarge;
import flora.tensors.pickle.Value.Dict;
import flora.tensors.pickle.Value.Huge;
import flora.tensors.pickle.Value.Named;
import flora.tensors.pickle.Value.Plain;
import flora.tensors.pickle.Value.Sequence;
import flora.tensors.pickle.Value.Text;
import flora.tensors.pickle.Value.Truth;
import flora.tensors.pickle.Value.Tuple;
import flora.tensors.pickle.Value.Whole;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Runs the instructions of one pickle, protocols 0 to 5, as far as {@code torch.save} writes them
 * for tensors, numbers, texts and containers of these.
 *
 * <p>The instructions are those of CPython's {@code pickletools}; what may be named and called is
 * the part of PyTorch's {@code _weights_only_unpickler} that dense tensors need. Nothing is
 * imported, no object is made by its class, and lengths are checked before memory is taken.
 */
final class PickleMachine {

  private final PickleInput in;
  private final Rebuild rebuild;
  private final List<Value> stack = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();
  private final Map<Integer, Value> memo = new HashMap<>();
  private int containers;
  private long at;

  private PickleMachine(PickleInput in, Rebuild rebuild) {
    this.in = in;
    this.rebuild = rebuild;
  }

  /** Runs to the end of the pickle and returns its object. */
  static Value run(PickleInput in, Rebuild rebuild) throws IOException {
    return new PickleMachine(in, rebuild).run();
  }

  private Value run() throws IOException {
    for (int count = 0; count < Limits.OPCODES; count++) {
      at = in.position();
      int code = in.u8();
      var opcode = Opcode.of(code);
      if (opcode == null) {
        throw new ForbiddenOpcode(in.file(), "0x%02x".formatted(code), at, " is not known");
      }
      if (opcode == Opcode.STOP) {
        var result = pop();
        if (!stack.isEmpty()) {
          throw in.malformed("values left over");
        }
        return result;
      }
      step(opcode);
    }
    throw new TooLarge(in.file(), "instructions", Limits.OPCODES);
  }

  private void step(Opcode opcode) throws IOException {
    switch (opcode) {
      case PROTO -> {
        int protocol = in.u8();
        if (protocol > 5) {
          throw in.malformed("pickle protocol " + protocol);
        }
      }
      case FRAME -> {
        if (in.length() > in.remaining()) {
          throw in.malformed("a frame that is longer than the file");
        }
      }
      case MARK -> mark();

      case NONE -> push(Plain.NONE);
      case NEWTRUE -> push(new Truth(true));
      case NEWFALSE -> push(new Truth(false));
      case INT -> push(intLine(in.line()));
      case LONG -> push(longLine(in.line()));
      case BININT -> push(new Whole(in.i32()));
      case BININT1 -> push(new Whole(in.u8()));
      case BININT2 -> push(new Whole(in.u16()));
      case LONG1 -> push(whole(in.u8()));
      case LONG4 -> push(whole(in.u32()));
      case FLOAT -> {
        in.line();
        push(Plain.FLOAT);
      }
      case BINFLOAT -> {
        in.skip(8);
        push(Plain.FLOAT);
      }

      case UNICODE -> push(new Text(in.line()));
      case SHORT_BINUNICODE, SHORT_BINSTRING -> push(new Text(in.text(in.u8())));
      case BINUNICODE, BINSTRING -> push(new Text(in.text(in.u32())));
      case BINUNICODE8 -> push(new Text(in.text(in.length())));
      case SHORT_BINBYTES -> bytes(in.u8());
      case BINBYTES -> bytes(in.u32());
      case BINBYTES8 -> bytes(in.length());

      case EMPTY_TUPLE -> push(container(new Tuple(List.of())));
      case TUPLE1 -> push(container(new Tuple(last(1))));
      case TUPLE2 -> push(container(new Tuple(last(2))));
      case TUPLE3 -> push(container(new Tuple(last(3))));
      case TUPLE -> push(container(new Tuple(sinceMark())));
      case EMPTY_LIST -> push(container(new Sequence()));
      case LIST -> {
        var items = sinceMark();
        var list = new Sequence();
        list.items.addAll(items);
        push(container(list));
      }
      case APPEND -> append(last(1));
      case APPENDS -> append(sinceMark());
      case EMPTY_DICT -> push(container(new Dict(false)));
      case DICT -> {
        var items = sinceMark();
        push(container(new Dict(false)));
        set(items);
      }
      case SETITEM -> set(last(2));
      case SETITEMS -> set(sinceMark());

      case GET -> push(remembered(index(in.line())));
      case BINGET -> push(remembered(in.u8()));
      case LONG_BINGET -> push(remembered(in.u32()));
      case PUT -> remember(index(in.line()));
      case BINPUT -> remember(in.u8());
      case LONG_BINPUT -> remember(in.u32());
      case MEMOIZE -> remember(memo.size());

      case GLOBAL -> push(global(in.line(), in.line()));
      case STACK_GLOBAL -> {
        var path = last(2);
        push(global(text(path.get(0)), text(path.get(1))));
      }
      case REDUCE -> reduce();
      case BUILD -> build();
      case BINPERSID -> push(rebuild.storage(pop(), in));

      case POP, POP_MARK, DUP, PERSID, STRING, INST, OBJ, NEWOBJ, NEWOBJ_EX, EXT1, EXT2, EXT4 ->
          throw new ForbiddenOpcode(in.file(), opcode.name(), at, "");
      case EMPTY_SET, ADDITEMS, FROZENSET, BYTEARRAY8, NEXT_BUFFER, READONLY_BUFFER ->
          throw new ForbiddenOpcode(in.file(), opcode.name(), at, "");
      case STOP -> throw new AssertionError("the loop ends there");
    }
  }

  private void mark() {
    if (marks.size() == Limits.DEPTH) {
      throw new TooLarge(in.file(), "levels of nesting", Limits.DEPTH);
    }
    marks.add(stack.size());
  }

  private void push(Value value) {
    if (stack.size() == Limits.STACK) {
      throw new TooLarge(in.file(), "values on the stack", Limits.STACK);
    }
    stack.add(value);
  }

  private int floor() {
    return marks.isEmpty() ? 0 : marks.getLast();
  }

  private Value pop() {
    return last(1).getFirst();
  }

  private Value top() {
    if (stack.size() == floor()) {
      throw in.malformed("an empty stack");
    }
    return stack.getLast();
  }

  private List<Value> last(int count) {
    int from = stack.size() - count;
    if (from < floor()) {
      throw in.malformed("an empty stack");
    }
    return take(from);
  }

  private List<Value> sinceMark() {
    if (marks.isEmpty()) {
      throw in.malformed("no mark");
    }
    return take(marks.removeLast());
  }

  private List<Value> take(int from) {
    var tail = stack.subList(from, stack.size());
    var items = List.copyOf(tail);
    tail.clear();
    return items;
  }

  private Value container(Value value) {
    if (++containers > Limits.CONTAINERS) {
      throw new TooLarge(in.file(), "lists, tuples and dicts", Limits.CONTAINERS);
    }
    return value;
  }

  private void append(List<Value> items) {
    if (!(top() instanceof Sequence list)) {
      throw in.malformed("an append to " + top().kind());
    }
    list.items.addAll(items);
  }

  private void set(List<Value> items) {
    if (!(top() instanceof Dict dict)) {
      throw in.malformed("an item set on " + top().kind());
    }
    if (items.size() % 2 != 0) {
      throw in.malformed("a key without a value");
    }
    for (int i = 0; i < items.size(); i += 2) {
      if (items.get(i) instanceof Text key) {
        dict.items.put(key.text(), items.get(i + 1));
      } else {
        dict.others++;
      }
    }
  }

  private int index(String line) {
    try {
      return Integer.parseUnsignedInt(line.strip());
    } catch (NumberFormatException e) {
      throw in.malformed("a memo index that is no number");
    }
  }

  private void remember(long index) {
    if (index >= Limits.MEMO) {
      throw new TooLarge(in.file(), "memo entries", Limits.MEMO);
    }
    memo.put((int) index, top());
  }

  private Value remembered(long index) {
    var value = index < Limits.MEMO ? memo.get((int) index) : null;
    if (value == null) {
      throw in.malformed("the memo entry " + index + " that is not there,");
    }
    return value;
  }

  private void bytes(long length) throws IOException {
    in.bytes(length, Limits.TEXT, "a bytes object");
    push(Plain.BYTES);
  }

  private Value whole(long length) throws IOException {
    var bytes = in.bytes(length, Limits.WHOLE, "a whole number");
    for (int i = 0, j = bytes.length - 1; i < j; i++, j--) {
      byte swapped = bytes[i];
      bytes[i] = bytes[j];
      bytes[j] = swapped;
    }
    return number(bytes.length == 0 ? BigInteger.ZERO : new BigInteger(bytes));
  }

  /** Protocol 1 writes truth values as the numbers 00 and 01. */
  private Value intLine(String line) {
    return switch (line) {
      case "00" -> new Truth(false);
      case "01" -> new Truth(true);
      default -> decimal(line);
    };
  }

  private Value longLine(String line) {
    return decimal(line.endsWith("L") ? line.substring(0, line.length() - 1) : line);
  }

  private Value decimal(String line) {
    if (line.length() > 3 * Limits.WHOLE) {
      throw new TooLarge(in.file(), "digits in a whole number", 3 * Limits.WHOLE);
    }
    try {
      return number(new BigInteger(line));
    } catch (NumberFormatException e) {
      throw in.malformed("a whole number that is none");
    }
  }

  private static Value number(BigInteger number) {
    return number.bitLength() < Long.SIZE ? new Whole(number.longValue()) : new Huge(number);
  }

  private String text(Value value) {
    if (value instanceof Text text) {
      return text.text();
    }
    throw in.malformed("a name that is " + value.kind());
  }

  private Value global(String module, String name) {
    var global = Global.of(module + "." + name);
    if (global == null || !module.equals(module(global))) {
      throw new ForbiddenGlobal(in.file(), shown(module + "." + name), at);
    }
    return new Named(global);
  }

  private static String module(Global global) {
    var path = global.toString();
    return path.substring(0, path.lastIndexOf('.'));
  }

  /** A name from outside, fit for a message. */
  private static String shown(String name) {
    var plain = name.codePoints().filter(c -> c >= ' ' && c < 0x7f).limit(200);
    return plain
        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
        .toString();
  }

  private void reduce() {
    var call = last(2);
    if (!(call.get(0) instanceof Named(Global global))) {
      throw new ForbiddenOpcode(
          in.file(), "REDUCE", at, " calls " + call.get(0).kind() + ", which is no function");
    }
    if (!(call.get(1) instanceof Tuple arguments)) {
      throw in.malformed("a call of " + global + " with " + call.get(1).kind());
    }
    push(container(rebuild.call(global, arguments.items, in)));
  }

  /** Attributes of an OrderedDict ({@code _metadata} of a state_dict) are let go. */
  private void build() {
    var state = pop();
    var attributes = top() instanceof Dict dict && dict.ordered && state instanceof Dict;
    if (!attributes) {
      throw new ForbiddenOpcode(
          in.file(), "BUILD", at, " gives " + top().kind() + " a state that is " + state.kind());
    }
  }
}
