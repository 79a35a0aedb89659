package flora.trainer.watch;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.zip.CRC32C;

/**
 * Curves and pictures over the steps of one attempt, as TensorBoard reads them: TFRecords of {@code
 * tensorflow.Event}. For one thread.
 *
 * @see <a href="https://github.com/tensorflow/tensorboard">tensorboard's EventFileWriter</a>
 */
public final class EventFile implements AutoCloseable {

  private static final int WALL_TIME = 1;
  private static final int STEP = 2;
  private static final int FILE_VERSION = 3;
  private static final int SUMMARY = 5;

  private static final int MASK = 0xa282ead8;
  private static final long RGB = 3;

  private final Path path;
  private final OutputStream out;

  /**
   * @param path by its name TensorBoard finds it: it holds {@code tfevents}
   * @param begun when the first step could have been
   */
  public EventFile(Path path, Instant begun) throws IOException {
    this.path = path;
    this.out = Files.newOutputStream(path);
    append(event(begun, 0).with(FILE_VERSION, "brain.Event:2"));
  }

  /** The file so far; whole records only. */
  public Path path() {
    return path;
  }

  /** A point of a curve. */
  public void scalar(String tag, Instant at, long step, double value) {
    value(at, step, new ProtoMessage().with(1, tag).with(2, (float) value));
  }

  /** A picture of RGB pixels. */
  public void image(String tag, Instant at, long step, byte[] png, int width, int height) {
    var image =
        new ProtoMessage().with(1, (long) height).with(2, (long) width).with(3, RGB).with(4, png);
    value(at, step, new ProtoMessage().with(1, tag).with(4, image));
  }

  private void value(Instant at, long step, ProtoMessage value) {
    append(event(at, step).with(SUMMARY, new ProtoMessage().with(1, value)));
  }

  private static ProtoMessage event(Instant at, long step) {
    return new ProtoMessage().with(WALL_TIME, at.toEpochMilli() / 1e3).with(STEP, step);
  }

  /**
   * Length, its masked checksum, the message, its masked checksum: at once, so that it is whole.
   */
  private void append(ProtoMessage event) {
    var data = event.toBytes();
    var record =
        ByteBuffer.allocate(data.length + Long.BYTES + 2 * Integer.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN);
    record.putLong(data.length);
    record.putInt(masked(record.array(), 0, Long.BYTES));
    record.put(data);
    record.putInt(masked(data, 0, data.length));
    try {
      out.write(record.array());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static int masked(byte[] bytes, int offset, int length) {
    var crc = new CRC32C();
    crc.update(bytes, offset, length);
    int sum = (int) crc.getValue();
    return ((sum >>> 15) | (sum << 17)) + MASK;
  }

  @Override
  public void close() throws IOException {
    out.close();
  }
}
