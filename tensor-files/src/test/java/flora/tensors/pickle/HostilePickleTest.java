package flora.tensors.pickle;

import static flora.tensors.pickle.BytesInMemory.convert;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.ForbiddenGlobal;
import flora.tensors.pickle.PickleException.ForbiddenOpcode;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.NoTensors;
import flora.tensors.pickle.PickleException.TooLarge;
import flora.tensors.pickle.PickleException.Unsupported;
import java.nio.charset.StandardCharsets;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Pickles that would do harm, or lie, are refused at once and by name. */
@Timeout(10)
class HostilePickleTest {

  private static Pickles pickle() {
    return new Pickles().proto(2);
  }

  private static PickleException refusal(byte[] file) {
    var refusal = catchThrowableOfType(PickleException.class, () -> convert(file));
    assertThat(refusal).isNotNull().hasMessageContaining("x.bin");
    return refusal;
  }

  @ParameterizedTest
  @CsvSource({
    "os, system",
    "posix, system",
    "nt, system",
    "builtins, eval",
    "__builtin__, exec",
    "torch, load",
    "torch.hub, load_state_dict_from_url",
    "torch._utils, _rebuild_sparse_tensor",
    "torch._tensor, _rebuild_from_type_v2",
    "numpy.core.multiarray, _reconstruct",
    "subprocess, Popen",
    "collections, OrderedDict.__init__",
    "collections.OrderedDict, ''",
    "'', collections.OrderedDict"
  })
  void refusesAGlobalByName(String module, String name) {
    var call = pickle().global(module, name).op('(').text("touch /tmp/x").op('t').op('R').stop();

    assertThat(refusal(call.legacy()))
        .isInstanceOfSatisfying(
            ForbiddenGlobal.class, e -> assertThat(e.global()).isEqualTo(module + "." + name))
        .hasMessageContainingAll(module + "." + name, ".safetensors");
    // the same before any magic number: a plain pickle in place of a checkpoint
    assertThat(refusal(call.bytes())).isInstanceOf(ForbiddenGlobal.class);
  }

  @Test
  void refusesAGlobalFromTheStack() {
    var call = pickle().text("os").text("system").op(0x93).text("id").op(0x85).op('R').stop();

    assertThat(refusal(call.legacy()))
        .isInstanceOfSatisfying(
            ForbiddenGlobal.class, e -> assertThat(e.global()).isEqualTo("os.system"));
  }

  @ParameterizedTest
  @CsvSource({
    "0x69, INST",
    "0x6f, OBJ",
    "0x81, NEWOBJ",
    "0x92, NEWOBJ_EX",
    "0x82, EXT1",
    "0x83, EXT2",
    "0x84, EXT4",
    "0x50, PERSID",
    "0x53, STRING",
    "0x30, POP",
    "0x31, POP_MARK",
    "0x32, DUP",
    "0x8f, EMPTY_SET",
    "0x97, NEXT_BUFFER",
    "0xff, 0xff"
  })
  void refusesAnOpcodeByName(int opcode, String name) {
    var call = pickle().op(')').op(')').op(opcode, '\n', '\n', 0, 0).stop();

    assertThat(refusal(call.legacy()))
        .isInstanceOfSatisfying(ForbiddenOpcode.class, e -> assertThat(e.opcode()).isEqualTo(name));
  }

  @Test
  void refusesToCallWhatIsNoFunction() {
    var text = pickle().text("print").op(')').op('R').stop();
    var type = pickle().global("torch", "FloatStorage").op(')').op('R').stop();

    assertThat(refusal(text.legacy())).hasMessageContaining("REDUCE at byte");
    assertThat(refusal(type.legacy())).hasMessageContaining("calls torch.FloatStorage");
  }

  @Test
  void refusesAStateForAnythingButAnOrderedDict() {
    assertThat(refusal(pickle().op('}').op('}').op('b').stop().legacy()))
        .isInstanceOf(ForbiddenOpcode.class)
        .hasMessageContaining("BUILD");
  }

  @ParameterizedTest
  @ValueSource(strings = {"../../etc/passwd", "/etc/passwd", "", "0x1", "0/../1"})
  void refusesAPersistentIdThatIsAPath(String key) {
    assertThat(refusal(pickle().storage("FloatStorage", key, 1).stop().legacy()))
        .isInstanceOfSatisfying(
            Malformed.class, e -> assertThat(e.defect()).isEqualTo(Defect.BAD_NAME));
  }

  @Test
  void refusesAPersistentIdThatIsNoStorage() {
    assertThat(refusal(pickle().text("/etc/passwd").op('Q').stop().legacy()))
        .isInstanceOf(ForbiddenOpcode.class)
        .hasMessageContaining("BINPERSID");
    var module = pickle().op('(').text("module").text("x").text("y").text("z").text("w").op('t');
    assertThat(refusal(module.op('Q').stop().legacy())).isInstanceOf(ForbiddenOpcode.class);
  }

  @ParameterizedTest
  @ValueSource(ints = {'X', 'T', 'B', 0x8d, 0x8e, 0x8b})
  void refusesAGiganticLengthBeforeTakingMemory(int opcode) {
    var huge = pickle().op(opcode).u64(0x7fff_ffff_7fff_ffffL).stop();
    var beyond = pickle().op(opcode).u64(-1).stop();

    assertThat(refusal(huge.legacy())).isInstanceOf(TooLarge.class);
    assertThat(refusal(beyond.legacy())).isInstanceOf(TooLarge.class);
  }

  @Test
  void refusesALengthBeyondTheEnd() {
    assertThat(refusal(pickle().op('X').u32(1000).bytes())).isInstanceOf(Malformed.class);
    assertThat(refusal(pickle().op(0x95).u64(1 << 20).stop().legacy()))
        .hasMessageContaining("a frame that is longer than the file");
  }

  @Test
  void sharedListsThatDoubleAtEachLevelStaySmall() {
    // a billion laughs: each list holds the one before ten times
    var laughs = pickle().op(']').op('r').u32(0);
    for (int level = 1; level < 100; level++) {
      laughs.op(']').op('(');
      for (int i = 0; i < 10; i++) {
        laughs.op('j').u32(level - 1);
      }
      laughs.op('e').op('r').u32(level);
    }
    assertThat(refusal(laughs.op('(').op('t').op('l').stop().legacy()))
        .isInstanceOf(Malformed.class);

    laughs = pickle().op('(').raw(laughs.bytes()).op('t');
    assertThat(refusal(laughs.stop().legacy())).isInstanceOf(PickleException.class);
  }

  @Test
  void aStructureThatContainsItselfIsNoCheckpoint() {
    var dict = pickle().op('}').op('q', 0).text("state_dict").op('h', 0).op('s').stop();
    var list = pickle().op(']').op('q', 0).op('h', 0).op('a').stop();

    assertThat(refusal(dict.legacy())).isInstanceOf(NoTensors.class);
    assertThat(refusal(list.legacy())).isInstanceOf(NoTensors.class);
  }

  @Test
  void refusesTooMuchOfAnything() {
    assertThat(refusal(times('(', 101, pickle()).legacy())).hasMessageContaining("nesting");
    assertThat(refusal(times('N', 200_001, pickle()).legacy())).hasMessageContaining("stack");
    assertThat(refusal(pickle().op('N').op('r').u32(1_000_000).stop().legacy()))
        .hasMessageContaining("memo");
    var lists = pickle().op(']');
    for (int i = 0; i < 5; i++) {
      lists.op('(');
      times(']', 110_000, lists).op('e');
    }
    assertThat(refusal(lists.stop().legacy())).hasMessageContaining("lists, tuples and dicts");
    var pairs = pickle().op(']').op('(');
    for (int i = 0; i < 60_000; i++) {
      pairs.op('(').op('N').op('N').op('t');
    }
    pairs.op('e').op('q', 0);
    for (int i = 0; i < 9; i++) {
      pairs.global("collections", "OrderedDict").op('h', 0).op(0x85).op('R');
    }
    assertThat(refusal(pairs.stop().legacy())).hasMessageContaining("pairs of dicts");
    var noise = pickle().op('N');
    for (int i = 0; i < 1_000_000; i++) {
      noise.op('q', 0);
    }
    for (int i = 0; i < 1_000_001; i++) {
      noise.op('q', 0);
    }
    assertThat(refusal(noise.stop().legacy())).hasMessageContaining("instructions");
    var texts = pickle().op(']');
    for (int i = 0; i < 17; i++) {
      texts.text("x".repeat(1 << 20)).op('a');
    }
    assertThat(refusal(texts.stop().legacy())).hasMessageContaining("bytes of instructions");
  }

  private static Pickles times(int opcode, int count, Pickles pickle) {
    for (int i = 0; i < count; i++) {
      pickle.op(opcode);
    }
    return pickle;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "R",
        "t",
        "u",
        "s",
        "a",
        "e",
        "b",
        "Q",
        "h\1",
        "j\1\1\1\1",
        "g9\n",
        "gx\n",
        "p1\n",
        "\u0085",
        "\u0093",
        "}Na",
        "N)R",
        "](N.",
        "NN.",
        "}(Nu",
        "IX\n",
        "L1e9\n",
        "\u0080\u0009",
        "I\n",
        "X\1\0\0\0\u00ff",
        "cos\n",
        "",
        "."
      })
  void refusesInstructionsThatDoNotFit(String pickle) {
    byte[] raw = pickle.getBytes(StandardCharsets.ISO_8859_1);

    assertThat(refusal(pickle().raw(raw).bytes())).isInstanceOf(PickleException.class);
  }

  @ParameterizedTest(name = "{0}")
  @CsvSource(
      delimiter = ';',
      value = {
        "an offset beyond the end; 4; 1; 4; 1",
        "a negative offset; 4; -1; 1; 1",
        "a stride that leads out; 4; 0; 2; 4",
        "a negative stride; 4; 3; 2; -1",
        "a negative extent; 4; 0; -4; 1",
        "a product beyond 2^63; 4; 0; 4611686018427387904; 4",
        "an offset that overflows; 4; 9223372036854775807; 2; 1",
        "a negative count; -4; 0; 1; 1",
        "a count beyond 2^63 bytes; 4611686018427387904; 0; 1; 1"
      })
  void refusesNumbersThatReachOutOfTheStorage(
      String what, long count, long offset, long extent, long stride) {
    var tensor =
        pickle()
            .op('}')
            .text("w")
            .tensor("FloatStorage", "0", count, offset, new long[] {extent}, new long[] {stride});

    assertThat(refusal(tensor.op('s').stop().legacy("0", 4, new byte[16])))
        .as(what)
        .isInstanceOfSatisfying(
            Malformed.class, e -> assertThat(e.defect()).isEqualTo(Defect.OUT_OF_BOUNDS));
  }

  private static byte[] one(long[] shape, long[] strides, int repeated) {
    var dict = pickle().op('}');
    for (int i = 0; i < repeated; i++) {
      dict.text("w" + i).tensor("ByteStorage", "0", 1000, 0, shape, strides).op('s');
    }
    return dict.stop().legacy("0", 1000, new byte[1000]);
  }

  @Test
  void refusesAFewBytesThatWouldBecomeManyBillions() {
    assertThat(refusal(one(new long[] {1L << 50}, new long[] {0}, 1)))
        .isInstanceOf(TooLarge.class)
        .hasMessageContaining("bytes in all its tensors");
    assertThat(refusal(one(new long[] {1000, 1000, 60}, new long[] {1, 0, 0}, 3)))
        .isInstanceOf(TooLarge.class);
    assertThat(refusal(one(new long[] {500, 1}, new long[] {2, 0}, 3000)))
        .isInstanceOf(TooLarge.class)
        .hasMessageContaining("out of order");
  }

  @Test
  void refusesElementsThatOverlap() {
    assertThat(refusal(one(new long[] {10, 10}, new long[] {3, 2}, 1)))
        .isInstanceOf(Unsupported.class)
        .hasMessageContaining("overlap");
  }

  @Test
  void refusesANameThatSafetensorsReserves() {
    var tensor =
        pickle()
            .op('}')
            .text("__metadata__")
            .tensor("ByteStorage", "0", 1, 0, new long[] {1}, new long[] {1})
            .op('s')
            .stop();

    assertThat(refusal(tensor.legacy("0", 1, new byte[1]))).hasMessageContaining("__metadata__");
  }

  @ParameterizedTest
  @CsvSource({"0, 5, 16", "0, 4, 15", "0, 4, 17", "1, 4, 16"})
  void refusesStoragesOfAnotherSizeOrName(String key, long count, int bytes) {
    var tensor =
        pickle()
            .op('}')
            .text("w")
            .tensor("FloatStorage", "0", 4, 0, new long[] {4}, new long[] {1})
            .op('s')
            .stop();

    assertThat(refusal(tensor.legacy(key, count, new byte[bytes]))).isInstanceOf(Malformed.class);
    assertThat(convert(tensor.legacy("0", 4, new byte[16]))).hasSizeGreaterThan(16);
  }

  @Test
  void refusesAnEmptyFileAndAnotherFormat() {
    assertThatThrownBy(() -> convert(new byte[0])).isInstanceOf(Malformed.class);
    assertThat(refusal("<!DOCTYPE html>".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(PickleException.class);
    assertThat(refusal("version https://git-lfs.github.com".getBytes(StandardCharsets.UTF_8)))
        .isInstanceOf(PickleException.class);
    Consumer<byte[]> notTorch =
        file -> assertThat(refusal(file)).hasMessageContaining("torch.save did not write");
    notTorch.accept(pickle().op('}').stop().bytes());
  }
}
