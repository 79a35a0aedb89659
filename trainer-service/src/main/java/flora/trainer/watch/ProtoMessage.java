package flora.trainer.watch;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A protocol-buffer message that is built field by field, in the order of the calls. */
final class ProtoMessage {

  private static final int VARINT = 0;
  private static final int EIGHT_BYTES = 1;
  private static final int LENGTH = 2;
  private static final int FOUR_BYTES = 5;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  ProtoMessage with(int field, long value) {
    head(field, VARINT);
    varint(value);
    return this;
  }

  ProtoMessage with(int field, double value) {
    head(field, EIGHT_BYTES);
    bytes.writeBytes(little(Double.BYTES).putDouble(value).array());
    return this;
  }

  ProtoMessage with(int field, float value) {
    head(field, FOUR_BYTES);
    bytes.writeBytes(little(Float.BYTES).putFloat(value).array());
    return this;
  }

  ProtoMessage with(int field, byte[] value) {
    head(field, LENGTH);
    varint(value.length);
    bytes.writeBytes(value);
    return this;
  }

  ProtoMessage with(int field, String value) {
    return with(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ProtoMessage with(int field, ProtoMessage value) {
    return with(field, value.toBytes());
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }

  private void head(int field, int type) {
    varint(((long) field << 3) | type);
  }

  private void varint(long value) {
    long left = value;
    while ((left & ~0x7fL) != 0) {
      bytes.write((int) ((left & 0x7f) | 0x80));
      left >>>= 7;
    }
    bytes.write((int) left);
  }

  private static ByteBuffer little(int size) {
    return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
  }
}
