package flora.tensors;

import flora.tensors.SafetensorsException.Unreadable;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.core.ObjectWriteContext;

/**
 * Writes a safetensors file with the bytes that the reference implementation would write.
 *
 * <p>The bytes depend only on the tensors and the metadata: wide element types come first, then
 * names in order; metadata are sorted by key; the header is padded with spaces to a multiple of 8.
 * Data is asked for while writing, so a large checkpoint never lies in memory as a whole.
 */
public final class SafetensorsWriter {

  /** Where the bytes of one tensor come from. */
  @FunctionalInterface
  public interface Source {
    /** Writes exactly the tensor's bytes, little-endian, row by row. */
    void writeTo(OutputStream out) throws IOException;
  }

  private static final int CHUNK = 1 << 16;

  private record Entry(String name, DType dtype, List<Long> shape, long size, Source source) {}

  private final List<Entry> entries = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private final Map<String, String> metadata = new TreeMap<>();

  /** Adds a text to {@code __metadata__}. */
  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Adds a tensor whose bytes are produced when they are written. */
  public SafetensorsWriter add(String name, DType dtype, List<Long> shape, Source source) {
    if (name.equals("__metadata__") || !names.add(name)) {
      throw new IllegalArgumentException("a tensor cannot be added as " + name + " (again)");
    }
    long size = TensorInfo.byteCount(dtype, shape);
    entries.add(new Entry(name, dtype, List.copyOf(shape), size, source));
    return this;
  }

  /** Adds a tensor whose bytes lie ready, little-endian. */
  public SafetensorsWriter add(String name, DType dtype, List<Long> shape, MemorySegment data) {
    return add(name, dtype, shape, (Source) out -> copy(data, out));
  }

  /** Adds an F32 tensor. */
  public SafetensorsWriter add(String name, List<Long> shape, float[] values) {
    return add(
        name,
        DType.F32,
        shape,
        (Source)
            out -> {
              var chunk = ByteBuffer.allocate(CHUNK).order(ByteOrder.LITTLE_ENDIAN);
              for (int i = 0; i < values.length; ) {
                int n = Math.min(CHUNK / Float.BYTES, values.length - i);
                chunk.clear().asFloatBuffer().put(values, i, n);
                out.write(chunk.array(), 0, n * Float.BYTES);
                i += n;
              }
            });
  }

  /**
   * Writes the file. It appears under its name only when it is complete and on disk; a file that
   * was there is replaced at once.
   */
  public void writeTo(Path path) {
    Path absolute = path.toAbsolutePath();
    Path temporary = absolute.resolveSibling("." + absolute.getFileName() + ".part");
    try {
      try (var channel =
          FileChannel.open(
              temporary,
              StandardOpenOption.CREATE,
              StandardOpenOption.WRITE,
              StandardOpenOption.TRUNCATE_EXISTING)) {
        writeTo(Channels.newOutputStream(channel));
        channel.force(true);
      }
      Files.move(
          temporary, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new Unreadable(path, e);
    } finally {
      deleteQuietly(temporary);
    }
  }

  /** Writes the file's bytes to a stream, which stays open. */
  public void writeTo(OutputStream stream) throws IOException {
    List<Entry> ordered = ordered();
    byte[] header = header(ordered);
    var out = new Counted(new BufferedOutputStream(stream, CHUNK));
    out.write(
        ByteBuffer.allocate(Long.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .array());
    out.write(header);
    for (Entry entry : ordered) {
      long before = out.count;
      entry.source.writeTo(out);
      if (out.count - before != entry.size) {
        throw new IllegalStateException(
            "the source of %s wrote %d bytes, %s%s needs %d"
                .formatted(entry.name, out.count - before, entry.dtype, entry.shape, entry.size));
      }
    }
    out.flush();
  }

  /** The size of the file that {@code writeTo} will write, in bytes. */
  public long size() {
    long data = 0;
    for (Entry entry : entries) {
      data = Math.addExact(data, entry.size);
    }
    return Long.BYTES + header(ordered()).length + data;
  }

  private List<Entry> ordered() {
    return entries.stream()
        .sorted(
            Comparator.comparing(Entry::dtype, Comparator.reverseOrder())
                .thenComparing(Entry::name, SafetensorsWriter::compareAsUtf8))
        .toList();
  }

  /** Java's own order differs from the bytes' order beyond the basic plane. */
  private static int compareAsUtf8(String a, String b) {
    return Arrays.compareUnsigned(
        a.getBytes(StandardCharsets.UTF_8), b.getBytes(StandardCharsets.UTF_8));
  }

  private byte[] header(List<Entry> ordered) {
    var bytes = new ByteArrayOutputStream();
    try (var json = HeaderParser.JSON.createGenerator(ObjectWriteContext.empty(), bytes)) {
      json.writeStartObject();
      if (!metadata.isEmpty()) {
        json.writeName("__metadata__").writeStartObject();
        metadata.forEach(json::writeStringProperty);
        json.writeEndObject();
      }
      long at = 0;
      for (Entry entry : ordered) {
        json.writeName(entry.name).writeStartObject();
        json.writeStringProperty("dtype", entry.dtype.name());
        json.writeName("shape").writeStartArray();
        entry.shape.forEach(json::writeNumber);
        json.writeEndArray();
        json.writeName("data_offsets").writeStartArray();
        json.writeNumber(at).writeNumber(at + entry.size);
        json.writeEndArray();
        json.writeEndObject();
        at += entry.size;
      }
      json.writeEndObject();
    }
    while (bytes.size() % Long.BYTES != 0) {
      bytes.write(' ');
    }
    return bytes.toByteArray();
  }

  private static void copy(MemorySegment data, OutputStream out) throws IOException {
    byte[] chunk = new byte[CHUNK];
    for (long at = 0; at < data.byteSize(); at += CHUNK) {
      int n = (int) Math.min(CHUNK, data.byteSize() - at);
      MemorySegment.copy(data, ValueLayout.JAVA_BYTE, at, chunk, 0, n);
      out.write(chunk, 0, n);
    }
  }

  private static void deleteQuietly(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // a left-over part file harms nobody: the next write truncates it
    }
  }

  private static final class Counted extends OutputStream {
    private final OutputStream out;
    private long count;

    Counted(OutputStream out) {
      this.out = out;
    }

    @Override
    public void write(int b) throws IOException {
      out.write(b);
      count++;
    }

    @Override
    public void write(byte[] bytes, int offset, int length) throws IOException {
      out.write(bytes, offset, length);
      count += length;
    }

    @Override
    public void flush() throws IOException {
      out.flush();
    }
  }
}
