package flora.embedded;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An open upload whose parts are written where they belong in the object-to-be, so that joining
 * them is a rename. Where a part belongs follows from its number, as long as all but the last are
 * of one size; one that does not fit, or comes a second time, gets a file of its own and is copied
 * at the end. A part counts once it stands in the list on disk, so the upload outlives its process.
 * Thread-safe.
 */
final class PlacedUpload {

  /**
   * Bytes between two looks whether the upload is still open, and in one write: a system that keeps
   * files in memory by large pages takes a whole one at a fraction of the price of its pieces.
   */
  private static final int PIECE = 2 << 20;

  private static final String DATA = "data";
  private static final String LIST = "list";

  /**
   * A part that is there.
   *
   * @param file of the upload's folder that holds it
   * @param offset in that file
   */
  record Placed(int number, String file, long offset, long size, String etag, Instant at) {

    private String line() {
      return "%d %s %d %d %s %s%n".formatted(number, file, offset, size, etag, at);
    }

    private static Placed of(String line) {
      var words = line.split(" ");
      return new Placed(
          Integer.parseInt(words[0]),
          words[1],
          Long.parseLong(words[2]),
          Long.parseLong(words[3]),
          words[4],
          Instant.parse(words[5]));
    }
  }

  private final Path folder;
  private final String key;
  private final SortedMap<Integer, Placed> parts = new TreeMap<>();
  private final Set<Integer> busy = new HashSet<>();

  /**
   * Held while a piece is written; nothing is written after closing. One writer at a time loses
   * nothing: a file system lets no more than one into a file, and has the others spin.
   */
  private final ReentrantLock writer = new ReentrantLock();

  private @Nullable ByteBuffer scratch;
  private volatile boolean closed;
  private long usual;

  private PlacedUpload(Path folder, String key) {
    this.folder = folder;
    this.key = key;
  }

  static PlacedUpload begin(Path folder, String key) throws IOException {
    Files.createDirectory(folder);
    Files.writeString(folder.resolve(LIST), key + "\n");
    return new PlacedUpload(folder, key);
  }

  /** One that an earlier process began. */
  static PlacedUpload resume(Path folder) throws IOException {
    var text = Files.readString(folder.resolve(LIST));
    // a line that was being written when the process was killed has no end
    var lines = text.substring(0, text.lastIndexOf('\n') + 1).lines().toList();
    if (lines.isEmpty()) {
      throw new NoSuchFileException(folder.toString());
    }
    if (!text.endsWith("\n")) {
      Files.writeString(folder.resolve(LIST), String.join("\n", lines) + "\n");
    }
    var upload = new PlacedUpload(folder, lines.getFirst());
    lines.stream().skip(1).map(Placed::of).forEach(upload::add);
    return upload;
  }

  private void add(Placed part) {
    parts.put(part.number(), part);
    if (part.file().equals(DATA) && part.number() > 1) {
      usual = part.offset() / (part.number() - 1);
    }
  }

  /** The object that it will be. */
  String key() {
    return key;
  }

  synchronized List<Placed> parts() {
    return List.copyOf(parts.values());
  }

  /** What a part consists of, piece by piece. */
  private interface Pieces {
    /** The next bytes, {@code max} of them unless fewer are left. */
    ByteBuffer next(int max) throws IOException;
  }

  /** Takes a part's bytes; its etag. */
  String write(int number, long size, InputStream in) throws IOException {
    var piece = new byte[Math.clamp(size, 1, PIECE)];
    return write(
        number,
        size,
        max -> ByteBuffer.wrap(piece, 0, in.readNBytes(piece, 0, Math.min(max, piece.length))));
  }

  /** Takes all that is left in a buffer as a part; its etag. */
  String write(int number, ByteBuffer bytes) throws IOException {
    var left = bytes.duplicate();
    return write(
        number,
        bytes.remaining(),
        max -> {
          var piece = left.slice(left.position(), Math.min(max, left.remaining()));
          left.position(left.position() + piece.remaining());
          return piece;
        });
  }

  private String write(int number, long size, Pieces pieces) throws IOException {
    var place = place(number, size);
    boolean inPlace = place.file().equals(DATA);
    try (var file = PastCache.open(folder.resolve(place.file()))) {
      for (long done = 0; done < size; ) {
        var piece = pieces.next((int) Math.min(PIECE, size - done));
        if (!piece.hasRemaining()) {
          throw new EOFException("a part ended after %d of %d bytes".formatted(done, size));
        }
        int n = piece.remaining();
        write(file, piece, place.offset() + done);
        done += n;
      }
      while (pieces.next(PIECE).hasRemaining()) {
        // a checksum is compared when the end is met
      }
      keep(place);
      return place.etag();
    } catch (IOException | RuntimeException e) {
      giveBack(place);
      throw e;
    } finally {
      if (inPlace) {
        synchronized (this) {
          busy.remove(number);
        }
      }
    }
  }

  /** The disk may be full: what did not become a part takes no room, where that can be had. */
  private synchronized void giveBack(Placed place) throws IOException {
    var file = folder.resolve(place.file());
    if (!place.file().equals(DATA)) {
      Files.deleteIfExists(file);
      return;
    }
    boolean isLast =
        parts.tailMap(place.number()).isEmpty()
            && busy.stream().allMatch(number -> number <= place.number());
    if (isLast && !closed && Files.exists(file)) {
      try (var data = FileChannel.open(file, StandardOpenOption.WRITE)) {
        data.truncate(place.offset());
      }
    }
  }

  private synchronized Placed place(int number, long size) throws IOException {
    requireOpen();
    if (usual == 0) {
      usual = size;
    }
    var etag = UUID.randomUUID().toString().replace("-", "");
    var now = Instant.now();
    boolean fits = size > 0 && size <= usual && !parts.containsKey(number);
    return fits && busy.add(number)
        ? new Placed(number, DATA, (number - 1) * usual, size, etag, now)
        : new Placed(number, number + "-" + etag, 0, size, etag, now);
  }

  private void write(PastCache file, ByteBuffer bytes, long at) throws IOException {
    writer.lock();
    try {
      requireOpen();
      if (scratch == null) {
        scratch = PastCache.scratch(PIECE);
      }
      file.write(bytes, at, scratch);
    } finally {
      writer.unlock();
    }
  }

  private synchronized void keep(Placed part) throws IOException {
    requireOpen();
    Files.writeString(
        folder.resolve(LIST), part.line(), StandardCharsets.UTF_8, StandardOpenOption.APPEND);
    add(part);
  }

  private void requireOpen() throws IOException {
    if (closed) {
      throw new NoSuchFileException("the upload is no longer open");
    }
  }

  /** Ends all writing, until {@link #reopen}. */
  void close() {
    writer.lock();
    try {
      closed = true;
      scratch = null;
    } finally {
      writer.unlock();
    }
  }

  /** The parts could not be joined: it goes on. */
  void reopen() {
    closed = false;
  }

  /**
   * Joins parts in the order given, after closing.
   *
   * @return the file that holds them
   * @throws NoSuchFileException when they were joined before
   */
  synchronized Path join(List<Placed> wanted) throws IOException {
    var data = folder.resolve(DATA);
    long size = wanted.stream().mapToLong(Placed::size).sum();
    // where every part came again nothing that counts is in place
    boolean isInPlace =
        isInPlace(wanted) && wanted.stream().anyMatch(part -> part.file().equals(DATA));
    if (!isInPlace) {
      data = folder.resolve("joined");
      Files.deleteIfExists(data);
      Files.createFile(data);
    }
    try (var to = FileChannel.open(data, StandardOpenOption.WRITE)) {
      long at = 0;
      for (var part : wanted) {
        var from = folder.resolve(part.file());
        if (!from.equals(data)) {
          copy(from, part, to, at);
        }
        at += part.size();
      }
      to.truncate(size);
      if (to.size() != size) {
        throw new IOException("joined %d bytes, expected %d".formatted(to.size(), size));
      }
    }
    return data;
  }

  /** Whether what was put into place lies there; the rest can be copied into the gaps. */
  private static boolean isInPlace(List<Placed> wanted) {
    long at = 0;
    for (var part : wanted) {
      if (part.file().equals(DATA) && part.offset() != at) {
        return false;
      }
      at += part.size();
    }
    return true;
  }

  private static void copy(Path from, Placed part, FileChannel to, long at) throws IOException {
    try (var in = FileChannel.open(from)) {
      to.position(at);
      for (long done = 0; done < part.size(); ) {
        long n = in.transferTo(part.offset() + done, part.size() - done, to);
        if (n <= 0) {
          throw new IOException("part " + part.number() + " is shorter than it was");
        }
        done += n;
      }
    }
  }

  /** Leaves nothing behind. */
  void remove() throws IOException {
    close();
    LeftOver.remove(folder);
  }
}
