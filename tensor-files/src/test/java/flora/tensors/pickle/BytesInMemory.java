package flora.tensors.pickle;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A source in memory that counts how often it was asked. */
final class BytesInMemory implements ByteSource {

  private static final Path FOLDER = Path.of("src/test/resources/flora/tensors/pickle");

  private final byte[] bytes;
  int requests;

  BytesInMemory(byte[] bytes) {
    this.bytes = bytes;
  }

  static Path path(String name) {
    return FOLDER.resolve(name);
  }

  static byte[] resource(String name) {
    try {
      return Files.readAllBytes(path(name));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public long size() {
    return bytes.length;
  }

  @Override
  public InputStream open(long offset, long length) {
    if (offset < 0 || length < 0 || offset + length > bytes.length) {
      throw new AssertionError("asked for %d bytes from %d".formatted(length, offset));
    }
    requests++;
    return new ByteArrayInputStream(bytes, (int) offset, (int) length);
  }

  /** Reads a checkpoint and converts all of it. */
  static byte[] convert(byte[] checkpoint) {
    var out = new ByteArrayOutputStream();
    var writer = PickledCheckpoint.open("x.bin", new BytesInMemory(checkpoint)).toSafetensors();
    try {
      writer.writeTo(out);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    if (out.size() != writer.size()) {
      throw new AssertionError("%d bytes, announced %d".formatted(out.size(), writer.size()));
    }
    return out.toByteArray();
  }
}
