package flora.tensors.pickle;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.Channels;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Bytes that can be read from any place: a file, or an object of a store by ranges.
 *
 * <p>A checkpoint reads its directory in pieces of at most 256 KiB and then each tensor as one
 * stream, so that neither the file nor a tensor has to fit into memory.
 */
public interface ByteSource {

  /** The number of bytes. */
  long size();

  /**
   * {@code length} bytes from {@code offset}, both within the size; the caller closes the stream.
   */
  InputStream open(long offset, long length) throws IOException;

  /** A local file, whose size is taken once. */
  static ByteSource file(Path path) throws IOException {
    long size = Files.size(path);
    return new ByteSource() {
      @Override
      public long size() {
        return size;
      }

      @Override
      public InputStream open(long offset, long length) throws IOException {
        var channel = Files.newByteChannel(path);
        channel.position(offset);
        return Channels.newInputStream(channel);
      }
    };
  }

  /** Fills a piece of an array from {@code offset} on. */
  default void read(long offset, byte[] into, int from, int length) throws IOException {
    try (var in = open(offset, length)) {
      if (in.readNBytes(into, from, length) < length) {
        throw new EOFException(
            "expected %d bytes from %d, the source ended earlier".formatted(length, offset));
      }
    }
  }
}
