package flora.standalone.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.Random;

/** What is downloaded: repositories of bytes without meaning, on disk and so in the page cache. */
final class BenchFiles {

  /** A repository by which a process gets warm: a Java program is slow in its first seconds. */
  static final String WARM = "bench/warm";

  private static final int WARM_FILES = 2000;

  private BenchFiles() {}

  /** One file of this size in {@code bench/NAME}, and the small repository beside it. */
  static Path large(Path root, String name, long bytes) throws IOException {
    var folder = root.resolve(name);
    write(folder.resolve("bench").resolve(name).resolve("model.safetensors"), bytes, 1);
    warm(folder);
    return folder;
  }

  /** Many files of 1 to 8 KB in {@code bench/NAME}, and more of them beside it. */
  static Path small(Path root, String name, int files) throws IOException {
    var folder = root.resolve(name);
    small(folder.resolve("bench").resolve(name), files, 0);
    small(folder.resolve(WARM), WARM_FILES, files);
    return folder;
  }

  private static void small(Path repo, int files, long seed) throws IOException {
    for (int i = 0; i < files; i++) {
      var file = repo.resolve("part-%02d".formatted(i % 10)).resolve(i + ".json");
      write(file, 1000 + 7L * (i % 1000), seed + i);
    }
  }

  /**
   * Gives the system as much memory for files as will be written. A virtual machine gets its memory
   * when it first uses it, and loses what it has not used for a while: whoever meets new pages is
   * several times as slow as who gets those that were freed just now.
   */
  static void touch(Path folder, long bytes) throws IOException {
    var file = folder.resolve("touched");
    write(file, bytes, 4);
    Files.delete(file);
  }

  static void delete(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (var walk = Files.walk(folder)) {
      for (var path : (Iterable<Path>) walk.sorted(Comparator.reverseOrder())::iterator) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void warm(Path folder) throws IOException {
    var repo = folder.resolve(WARM);
    write(repo.resolve("config.json"), 500, 2);
    write(repo.resolve("model.safetensors"), 256 << 20, 3);
  }

  private static void write(Path file, long bytes, long seed) throws IOException {
    Files.createDirectories(file.getParent());
    var random = new Random(seed);
    var piece = new byte[1 << 20];
    try (var out =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      random.nextBytes(piece);
      for (long left = bytes; left > 0; left -= piece.length) {
        // each piece is another one, and cheap
        ByteBuffer.wrap(piece).putLong(left).putLong(seed);
        out.write(ByteBuffer.wrap(piece, 0, (int) Math.min(left, piece.length)));
      }
    }
  }
}
