package flora.tensors.pickle;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** Writes pickles instruction by instruction, and the files around them. */
final class Pickles {

  private static final byte[] MAGIC = {
    (byte) 0x80,
    2,
    (byte) 0x8a,
    10,
    0x6c,
    (byte) 0xfc,
    (byte) 0x9c,
    0x46,
    (byte) 0xf9,
    0x20,
    0x6a,
    (byte) 0xa8,
    0x50,
    0x19,
    '.'
  };

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  Pickles op(int opcode, int... arguments) {
    bytes.write(opcode);
    for (int argument : arguments) {
      bytes.write(argument);
    }
    return this;
  }

  Pickles raw(byte[] more) {
    bytes.writeBytes(more);
    return this;
  }

  Pickles proto(int protocol) {
    return op(0x80, protocol);
  }

  Pickles stop() {
    return op('.');
  }

  Pickles text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return op('X').u32(utf8.length).raw(utf8);
  }

  Pickles u32(long number) {
    return raw(little(4).putInt((int) number).array());
  }

  Pickles u64(long number) {
    return raw(little(8).putLong(number).array());
  }

  /** A whole number of any size. */
  Pickles whole(long number) {
    return op(0x8a, 8).u64(number);
  }

  Pickles global(String module, String name) {
    return op('c').raw((module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
  }

  Pickles storage(String type, String key, long count) {
    op('(').text("storage").global("torch", type).text(key).text("cpu").whole(count);
    return op('t').op('Q');
  }

  Pickles numbers(long... numbers) {
    op('(');
    for (long number : numbers) {
      whole(number);
    }
    return op('t');
  }

  Pickles tensor(String type, String key, long count, long offset, long[] shape, long[] strides) {
    global("torch._utils", "_rebuild_tensor_v2").op('(').storage(type, key, count).whole(offset);
    numbers(shape).numbers(strides).op(0x89);
    global("collections", "OrderedDict").op(')').op('R');
    return op('t').op('R');
  }

  byte[] bytes() {
    return bytes.toByteArray();
  }

  /** A legacy file without storages. */
  byte[] legacy() {
    return head().raw(bytes()).proto(2).op(']').stop().bytes();
  }

  /** A legacy file with one storage. */
  byte[] legacy(String key, long count, byte[] data) {
    return head()
        .raw(bytes())
        .proto(2)
        .op(']')
        .text(key)
        .op('a')
        .stop()
        .u64(count)
        .raw(data)
        .bytes();
  }

  private static Pickles head() {
    var head = new Pickles().raw(MAGIC).proto(2).op('M', 0xe9, 0x03).stop();
    return head.proto(2).op('}').text("little_endian").op(0x88).op('s').stop();
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
