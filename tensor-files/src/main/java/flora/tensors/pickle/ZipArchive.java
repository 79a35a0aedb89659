package flora.tensors.pickle;

import flora.tensors.pickle.PickleException.Defect;
import flora.tensors.pickle.PickleException.Malformed;
import flora.tensors.pickle.PickleException.TooLarge;
import flora.tensors.pickle.PickleException.Unsupported;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The directory of a zip file of stored entries (APPNOTE 6.3, zip64 included), which is what {@code
 * torch.save} writes. Names must be plain, no entry may stand twice or share bytes with another.
 *
 * <p>The directory at the end counts; the header before each entry is compared with it when the
 * entry is read. Checksums are not: torch.save can leave them out.
 */
final class ZipArchive {

  static final int LOCAL = 0x04034b50;
  private static final int CENTRAL = 0x02014b50;
  private static final int END = 0x06054b50;
  private static final int END_64 = 0x06064b50;
  private static final int LOCATOR_64 = 0x07064b50;
  private static final int LOCAL_SIZE = 30;
  private static final int CENTRAL_SIZE = 46;
  private static final int END_SIZE = 22;
  private static final int END_64_SIZE = 56;
  private static final int LOCATOR_SIZE = 20;
  private static final int LONGEST_NAME = 512;
  private static final int ENCRYPTED = 0x2041;
  private static final int SIZES_FOLLOW = 0x8;
  private static final long FULL_32 = 0xffff_ffffL;
  private static final int FULL_16 = 0xffff;

  /**
   * One entry.
   *
   * @param header where its local header begins
   * @param size of its bytes
   * @param limit where the next entry or the directory begins
   */
  record Entry(String name, long header, long size, long limit) {}

  private record Directory(long entries, long begin, long end) {}

  private final String file;
  private final long size;
  private final Window window;
  private final Map<String, Entry> entries = new HashMap<>();
  private @Nullable String notStored;

  private ZipArchive(String file, ByteSource source) {
    this.file = file;
    this.size = source.size();
    this.window = new Window(source, size, Window.USUAL);
  }

  static ZipArchive open(String file, ByteSource source) throws IOException {
    var archive = new ZipArchive(file, source);
    archive.read();
    return archive;
  }

  /** The piece of the file that was read last. */
  Window window() {
    return window;
  }

  /** The entries by name. */
  Map<String, Entry> entries() {
    return entries;
  }

  /** Refuses an archive with an entry whose bytes are not simply there. */
  void requireStored() {
    if (notStored != null) {
      throw new Unsupported(file, notStored);
    }
  }

  /** Where the bytes of an entry begin. */
  long begin(Entry entry) throws IOException {
    long at = entry.header;
    if (at > entry.limit - LOCAL_SIZE || window.i32(at) != LOCAL) {
      throw bad("no header where %s should begin".formatted(entry.name));
    }
    int flags = window.u16(at + 6);
    int method = window.u16(at + 8);
    if ((flags & ENCRYPTED) != 0 || method != 0) {
      throw bad("the two headers of %s differ".formatted(entry.name));
    }
    checkSize(entry, window.u32(at + 18), flags);
    checkSize(entry, window.u32(at + 22), flags);
    int nameLength = window.u16(at + 26);
    long begin = at + LOCAL_SIZE + nameLength + window.u16(at + 28);
    if (begin > entry.limit - entry.size) {
      throw new Malformed(
          file, Defect.OVERLAP, "%s runs into what follows it".formatted(entry.name));
    }
    if (!name(at + LOCAL_SIZE, nameLength).equals(entry.name)) {
      throw bad("the two headers of %s differ".formatted(entry.name));
    }
    return begin;
  }

  private void checkSize(Entry entry, long local, int flags) {
    boolean elsewhere = local == FULL_32 || (local == 0 && (flags & SIZES_FOLLOW) != 0);
    if (!elsewhere && local != entry.size) {
      throw bad("%s has two sizes, %d and %d".formatted(entry.name, local, entry.size));
    }
  }

  private void read() throws IOException {
    var directory = directory();
    if (directory.entries > Limits.ENTRIES) {
      throw new TooLarge(file, "entries", Limits.ENTRIES);
    }
    var found = new ArrayList<Entry>();
    long at = directory.begin;
    for (long i = 0; i < directory.entries; i++) {
      at = central(at, directory.end, found);
    }
    if (at != directory.end) {
      throw bad("the directory has another length than its entries");
    }
    place(found, directory.begin);
  }

  private Directory directory() throws IOException {
    long end = end();
    if (window.u16(end + 4) != 0 || window.u16(end + 6) != 0) {
      boolean in64 = window.u16(end + 4) == FULL_16 && window.u16(end + 6) == FULL_16;
      if (!in64) {
        throw bad("it is one part of several");
      }
    }
    long entries = window.u16(end + 10);
    long length = window.u32(end + 12);
    long begin = window.u32(end + 16);
    long directoryEnd = end;
    boolean in64 = entries == FULL_16 || length == FULL_32 || begin == FULL_32;
    long locator = end - LOCATOR_SIZE;
    if (locator >= END_64_SIZE && window.i32(locator) == LOCATOR_64) {
      directoryEnd = window.i64(locator + 8);
      if (directoryEnd < 0
          || directoryEnd > locator - END_64_SIZE
          || window.i32(directoryEnd) != END_64) {
        throw bad("the directory's end is not where it should be");
      }
      long entries64 = window.i64(directoryEnd + 32);
      long length64 = window.i64(directoryEnd + 40);
      long begin64 = window.i64(directoryEnd + 48);
      boolean agree =
          (entries == FULL_16 || entries == entries64)
              && (length == FULL_32 || length == length64)
              && (begin == FULL_32 || begin == begin64);
      if (!agree) {
        throw bad("the two ends of the directory differ");
      }
      entries = entries64;
      length = length64;
      begin = begin64;
    } else if (in64) {
      throw bad("the directory's 64-bit end is missing");
    }
    if (entries < 0 || length < 0 || begin < 0 || begin != directoryEnd - length) {
      throw bad("the directory is not where it should be");
    }
    return new Directory(entries, begin, directoryEnd);
  }

  /** The end record, the last thing in the file save for a comment. */
  private long end() throws IOException {
    for (long at = size - END_SIZE; at >= 0 && at >= size - END_SIZE - FULL_16; at--) {
      // from the start of the furthest comment, so that one read serves the search
      window.at(Math.max(0, size - END_SIZE - FULL_16), (int) Math.min(size, END_SIZE + FULL_16));
      if (window.i32(at) == END && window.u16(at + 20) == size - END_SIZE - at) {
        return at;
      }
    }
    throw new Malformed(
        file, Defect.TRUNCATED, "the archive's directory is missing, the file may be cut off");
  }

  private long central(long at, long end, List<Entry> found) throws IOException {
    if (at > end - CENTRAL_SIZE || window.i32(at) != CENTRAL) {
      throw bad("the directory has fewer entries than it says");
    }
    int flags = window.u16(at + 8);
    int method = window.u16(at + 10);
    long stored = window.u32(at + 20);
    long plain = window.u32(at + 24);
    int nameLength = window.u16(at + 28);
    int extraLength = window.u16(at + 30);
    int commentLength = window.u16(at + 32);
    long header = window.u32(at + 42);
    long extra = at + CENTRAL_SIZE + nameLength;
    long next = extra + extraLength + commentLength;
    if (next > end) {
      throw bad("an entry runs out of the directory");
    }
    var name = name(at + CENTRAL_SIZE, nameLength);
    if (plain == FULL_32 || stored == FULL_32 || header == FULL_32) {
      var wide = wide(extra, extra + extraLength, plain, stored, header);
      if (wide == null) {
        throw bad("the 64-bit sizes of %s are missing".formatted(name));
      }
      plain = wide[0];
      stored = wide[1];
      header = wide[2];
    }
    if ((flags & ENCRYPTED) != 0) {
      notStored = "has the encrypted entry " + name;
    } else if (method != 0) {
      notStored = "has the entry %s compressed by method %d, not stored".formatted(name, method);
    } else if (plain != stored) {
      throw bad("%s has two sizes, %d and %d".formatted(name, plain, stored));
    }
    if (stored < 0 || header < 0) {
      throw bad("%s has a negative size or place".formatted(name));
    }
    found.add(new Entry(name, header, stored, 0));
    return next;
  }

  /** Size, stored size and place from the zip64 field, where the short ones are full. */
  private long @Nullable [] wide(long at, long end, long... shortOnes) throws IOException {
    long field = at;
    while (field <= end - 4) {
      int id = window.u16(field);
      long fieldEnd = field + 4 + window.u16(field + 2);
      if (fieldEnd > end) {
        return null;
      }
      if (id == 1) {
        long next = field + 4;
        for (int i = 0; i < shortOnes.length; i++) {
          if (shortOnes[i] == FULL_32) {
            if (next > fieldEnd - 8) {
              return null;
            }
            shortOnes[i] = window.i64(next);
            next += 8;
          }
        }
        return shortOnes;
      }
      field = fieldEnd;
    }
    return null;
  }

  private String name(long at, int length) throws IOException {
    if (length == 0 || length > LONGEST_NAME || at > size - length) {
      throw new Malformed(
          file, Defect.BAD_NAME, "an entry has a name of %d bytes".formatted(length));
    }
    var bytes = ByteBuffer.wrap(window.bytes(), window.at(at, length), length);
    try {
      var name = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      boolean leadsOut =
          name.startsWith("/")
              || name.contains("\\")
              || List.of(name.split("/", -1)).contains("..")
              || name.chars().anyMatch(c -> c < ' ');
      if (leadsOut) {
        throw new Malformed(
            file, Defect.BAD_NAME, "the entry %s leads out of it".formatted(printable(name)));
      }
      return name;
    } catch (CharacterCodingException e) {
      throw new Malformed(file, Defect.BAD_NAME, "an entry's name is not UTF-8");
    }
  }

  private static String printable(String name) {
    return name.replaceAll("\\p{Cntrl}", "?");
  }

  /** Orders the entries by place: between them there is room for each. */
  private void place(List<Entry> found, long directory) {
    found.sort(Comparator.comparingLong(Entry::header).reversed());
    long limit = directory;
    for (var entry : found) {
      if (entry.header > limit - LOCAL_SIZE || entry.size > limit - LOCAL_SIZE - entry.header) {
        throw new Malformed(
            file, Defect.OVERLAP, "%s runs into what follows it".formatted(entry.name));
      }
      var placed = new Entry(entry.name, entry.header, entry.size, limit);
      if (entries.put(entry.name, placed) != null) {
        throw new Malformed(file, Defect.DUPLICATE_ENTRY, entry.name + " stands in it twice");
      }
      limit = entry.header;
    }
  }

  private Malformed bad(String detail) {
    return new Malformed(file, Defect.BAD_ARCHIVE, detail);
  }
}
