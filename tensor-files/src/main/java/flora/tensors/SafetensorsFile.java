package flora.tensors;

import flora.tensors.SafetensorsException.Defect;
import flora.tensors.SafetensorsException.FileMissing;
import flora.tensors.SafetensorsException.Malformed;
import flora.tensors.SafetensorsException.TensorMissing;
import flora.tensors.SafetensorsException.Unreadable;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;

/**
 * One safetensors file, mapped into memory: nothing is copied, and a tensor's bytes are read from
 * disk when they are touched.
 *
 * <p>Layout: 8 bytes little-endian header length, the JSON header, the tensors' bytes. The header
 * is checked completely before anything is handed out. Any thread may read; after {@link #close()}
 * slices throw {@link IllegalStateException}.
 */
public final class SafetensorsFile implements AutoCloseable {

  private static final ValueLayout.OfLong LENGTH =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final MemorySegment file;
  private final long dataStart;
  private final HeaderParser.Header header;

  private SafetensorsFile(
      Path path, Arena arena, MemorySegment file, long dataStart, HeaderParser.Header header) {
    this.path = path;
    this.arena = arena;
    this.file = file;
    this.dataStart = dataStart;
    this.header = header;
  }

  /** Maps a file and reads its header. Throws a {@link SafetensorsException} if it is not sound. */
  public static SafetensorsFile open(Path path) {
    var arena = Arena.ofShared();
    try {
      return map(path, arena);
    } catch (NoSuchFileException e) {
      arena.close();
      throw new FileMissing(path, "expected a safetensors file");
    } catch (IOException e) {
      arena.close();
      throw new Unreadable(path, e);
    } catch (SafetensorsException e) {
      arena.close();
      throw e;
    }
  }

  private static SafetensorsFile map(Path path, Arena arena) throws IOException {
    if (Files.isDirectory(path)) {
      throw new FileMissing(path, "expected a safetensors file, found a folder");
    }
    MemorySegment file;
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
    if (file.byteSize() < Long.BYTES) {
      throw new Malformed(
          path,
          Defect.TRUNCATED,
          "it has %d bytes, expected at least 8".formatted(file.byteSize()));
    }
    long length = file.get(LENGTH, 0);
    if (length < 0 || length > HeaderParser.MAX_HEADER) {
      throw new Malformed(
          path,
          Defect.HEADER_TOO_LARGE,
          "the header would be %s bytes long, at most %d are allowed"
              .formatted(Long.toUnsignedString(length), HeaderParser.MAX_HEADER));
    }
    long dataStart = Long.BYTES + length;
    if (dataStart > file.byteSize()) {
      throw new Malformed(
          path,
          Defect.TRUNCATED,
          "the header would end at byte %d of %d".formatted(dataStart, file.byteSize()));
    }
    byte[] json = file.asSlice(Long.BYTES, length).toArray(ValueLayout.JAVA_BYTE);
    var header = HeaderParser.parse(path, json, file.byteSize() - dataStart);
    return new SafetensorsFile(path, arena, file, dataStart, header);
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** The tensors by name, in the order of their bytes. */
  public Map<String, TensorInfo> tensors() {
    return header.tensors();
  }

  /** The free texts of {@code __metadata__}; empty if there are none. */
  public Map<String, String> metadata() {
    return header.metadata();
  }

  /** What the header says of a tensor. Throws {@link TensorMissing}. */
  public TensorInfo info(String name) {
    TensorInfo info = header.tensors().get(name);
    if (info == null) {
      throw new TensorMissing(path, name, Nearest.names(name, header.tensors().keySet()));
    }
    return info;
  }

  /** The bytes of a tensor, read-only and not copied; they may start at an odd address. */
  public MemorySegment data(String name) {
    TensorInfo info = info(name);
    return file.asSlice(dataStart + info.begin(), info.size());
  }

  /** Where the tensor's bytes begin, counted from the start of the file. */
  public long fileOffset(String name) {
    return dataStart + info(name).begin();
  }

  /** The size of the file in bytes. */
  public long size() {
    return file.byteSize();
  }

  /** Ends the mapping. */
  @Override
  public void close() {
    if (arena.scope().isAlive()) {
      arena.close();
    }
  }
}
