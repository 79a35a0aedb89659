package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import java.io.BufferedInputStream;
import java.io.EOFException;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipInputStream;
import org.jspecify.annotations.Nullable;

/**
 * A zip archive from outside. It is read from its beginning to its end, never by its directory:
 * what was looked at is what is unpacked. Names become keys only after {@link #check}.
 */
final class DatasetArchive {

  private static final int MOST_ENTRIES = 100_000;
  private static final int LONGEST_NAME = 800;

  /** Pictures hardly shrink, so what grows more than this was made to. */
  private static final int LARGEST_RATIO = 100;

  /** Below this no ratio matters. */
  private static final long SMALL = 16L << 20;

  /** All files together, in units of the largest upload. */
  private static final int TOTAL = 20;

  private static final int MOST_SHOWN = 20;

  private final Path file;
  private final long limit;

  /**
   * An archive.
   *
   * @param limit largest file in it, bytes
   */
  DatasetArchive(Path file, long limit) {
    this.file = file;
    this.limit = limit;
  }

  /**
   * What an archive holds.
   *
   * @param files how many files that are read
   * @param rows how many captions its tables hold
   * @param size bytes of those files
   * @param skipped some of the names that are left out
   */
  record Contents(long files, long rows, long size, List<String> skipped) {}

  /** Reads a table of captions. */
  interface Tables {
    long rows(String name, InputStream in) throws IOException;
  }

  /** Takes a file. */
  interface Sink {
    void file(String name, InputStream in) throws IOException;
  }

  /**
   * Looks at all of it.
   *
   * @throws Refusal for names that lead astray, for what is too much, and for what is no archive
   */
  Contents check(Tables tables) throws IOException {
    long files = 0;
    long rows = 0;
    long size = 0;
    int entries = 0;
    var names = new HashSet<String>();
    var skipped = new ArrayList<String>();
    try (var zip = open()) {
      for (var entry = next(zip); entry != null; entry = next(zip)) {
        if (++entries > MOST_ENTRIES) {
          throw refused("it holds more than %d files".formatted(MOST_ENTRIES));
        }
        var name = entry.getName();
        checkName(name);
        var counted = new Counted(zip, name, size);
        boolean isRead = !entry.isDirectory() && isRead(name);
        if (isRead) {
          files++;
          if (!names.add(name)) {
            throw refused("it holds %s twice".formatted(shown(name)));
          }
          if (isTable(name)) {
            rows += tables.rows(name.substring(name.lastIndexOf('/') + 1), counted);
          }
        } else if (!entry.isDirectory() && skipped.size() < MOST_SHOWN) {
          skipped.add(shown(name));
        }
        counted.drain();
        size = counted.total();
      }
    } catch (EOFException e) {
      throw refused("it ends in the middle of a file");
    } catch (ZipException e) {
      throw refused("it cannot be read: " + e.getMessage());
    }
    if (entries == 0) {
      throw refused("it is none, or it is empty");
    }
    checkFolders(names);
    return new Contents(files, rows, size, List.copyOf(skipped));
  }

  /** Hands on every file that is read, one after the other; after {@link #check}. */
  void unpack(Sink sink) throws IOException {
    try (var zip = open()) {
      for (var entry = next(zip); entry != null; entry = next(zip)) {
        if (!entry.isDirectory() && isRead(entry.getName())) {
          sink.file(entry.getName(), zip);
        }
      }
    }
  }

  private ZipInputStream open() throws IOException {
    return new ZipInputStream(
        new BufferedInputStream(Files.newInputStream(file), 1 << 16), StandardCharsets.UTF_8);
  }

  private static @Nullable ZipEntry next(ZipInputStream zip) throws IOException {
    try {
      return zip.getNextEntry();
    } catch (IllegalArgumentException e) {
      throw refused("a name in it is not UTF-8");
    }
  }

  /** The bytes of one file in it, which end where there are too many. */
  private final class Counted extends FilterInputStream {
    private final String name;
    private final long before;
    private long size;

    Counted(InputStream in, String name, long before) {
      super(in);
      this.name = name;
      this.before = before;
    }

    long total() {
      return before + size;
    }

    void drain() throws IOException {
      transferTo(OutputStream.nullOutputStream());
    }

    @Override
    public int read() throws IOException {
      int one = in.read();
      count(one < 0 ? 0 : 1);
      return one;
    }

    @Override
    public int read(byte[] bytes, int offset, int length) throws IOException {
      int read = in.read(bytes, offset, length);
      count(Math.max(0, read));
      return read;
    }

    private void count(int read) throws IOException {
      size += read;
      if (size > limit) {
        throw new Refusal.TooLarge(shown(name) + " in the archive", limit);
      }
      if (total() > TOTAL * limit) {
        throw new Refusal.TooLarge("what the archive holds", TOTAL * limit);
      }
      if (total() > SMALL && total() / LARGEST_RATIO > Files.size(file)) {
        throw refused("it grows more than %d times when it is unpacked".formatted(LARGEST_RATIO));
      }
    }

    /** The archive goes on behind this file. */
    @Override
    public void close() {}
  }

  private static void checkName(String name) {
    var path = name.endsWith("/") ? name.substring(0, name.length() - 1) : name;
    boolean bad =
        name.contains("\\")
            || name.chars().anyMatch(Character::isISOControl)
            || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME
            || Arrays.stream(path.split("/", -1))
                .anyMatch(p -> p.isEmpty() || p.equals(".") || p.equals("..") || p.endsWith(":"));
    if (bad) {
      throw refused("a name in it leads out of it, or is none: " + shown(name));
    }
  }

  /** A file that another one's name makes a folder cannot be stored by every store. */
  private static void checkFolders(Set<String> names) {
    for (var name : names) {
      for (int slash = name.indexOf('/'); slash > 0; slash = name.indexOf('/', slash + 1)) {
        if (names.contains(name.substring(0, slash))) {
          throw refused("%s is a file and a folder".formatted(shown(name.substring(0, slash))));
        }
      }
    }
  }

  /** Whether a stage reads such a file; what is hidden, or beside the point, is left out. */
  private static boolean isRead(String name) {
    boolean isHidden =
        Arrays.stream(name.split("/")).anyMatch(p -> p.startsWith(".") || p.equals("__MACOSX"));
    return !isHidden && FileKind.of(name) != FileKind.OTHER;
  }

  private static boolean isTable(String name) {
    var last = name.substring(name.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    return last.equals("metadata.csv") || last.equals("metadata.jsonl");
  }

  private static Refusal.Invalid refused(String why) {
    return new Refusal.Invalid("", "the archive: " + why, "pack it again");
  }

  private static String shown(String name) {
    var clean = name.replaceAll("\\p{Cntrl}", "?");
    return clean.length() > 100 ? clean.substring(0, 100) + "…" : clean;
  }
}
