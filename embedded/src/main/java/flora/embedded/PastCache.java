package flora.embedded;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A file that is written past the system's page cache, where the medium can do that: a download of
 * many gigabytes neither pays for a copy in memory nor drives out of it what others read. What does
 * not fill a block of the medium, such as a file's end, takes the usual way. Not thread-safe.
 */
final class PastCache implements AutoCloseable {

  /** What media want a write to begin at and to be a multiple of; larger blocks are rare. */
  private static final int ALIGNMENT = 64 << 10;

  /** By name: the module that has it is not one of the platform's own API. */
  private static final Optional<OpenOption> DIRECT = direct();

  private final FileChannel usual;
  private final FileChannel direct;
  private final int block;

  private PastCache(FileChannel usual, FileChannel direct, int block) {
    this.usual = usual;
    this.direct = direct;
    this.block = block;
  }

  private static Optional<OpenOption> direct() {
    try {
      return Stream.of(Class.forName("com.sun.nio.file.ExtendedOpenOption").getEnumConstants())
          .map(OpenOption.class::cast)
          .filter(option -> option.toString().equals("DIRECT"))
          .findAny();
    } catch (ClassNotFoundException e) {
      return Optional.empty();
    }
  }

  static PastCache open(Path path) throws IOException {
    var usual = FileChannel.open(path, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    try {
      int block = (int) Math.min(Files.getFileStore(path).getBlockSize(), ALIGNMENT + 1);
      if (DIRECT.isEmpty() || ALIGNMENT % block != 0) {
        return new PastCache(usual, usual, 1);
      }
      return new PastCache(
          usual, FileChannel.open(path, StandardOpenOption.WRITE, DIRECT.get()), block);
    } catch (IOException | UnsupportedOperationException e) {
      // a file system in memory, or across a network
      return new PastCache(usual, usual, 1);
    }
  }

  /** Memory for {@link #write}: that many bytes go to the medium at once. */
  static ByteBuffer scratch(int bytes) {
    return ByteBuffer.allocateDirect(bytes + ALIGNMENT).alignedSlice(ALIGNMENT);
  }

  /** Writes all of a piece. */
  void write(ByteBuffer piece, long at, ByteBuffer scratch) throws IOException {
    int whole = at % block == 0 ? piece.remaining() / block * block : 0;
    long end = at;
    for (int done = 0; done < whole; ) {
      int n = Math.min(whole - done, scratch.capacity() / block * block);
      scratch.clear().limit(n).put(0, piece, piece.position(), n);
      while (scratch.hasRemaining()) {
        end += direct.write(scratch, end);
      }
      piece.position(piece.position() + n);
      done += n;
    }
    while (piece.hasRemaining()) {
      end += usual.write(piece, end);
    }
  }

  @Override
  public void close() throws IOException {
    usual.close();
    direct.close();
  }
}
