package flora.store;

import flora.schemas.Sha256;
import flora.schemas.store.ObjectRef;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.ConcurrentHashMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Objects as files of this machine, to be mapped. When the store lies on this machine its own file
 * is handed out; otherwise a copy, written to the side, checked against the digest, and renamed, so
 * that a file that is there is right. The oldest copies go when the cache is full; a copy that was
 * handed out within the last hour stays. A mapped file outlives its name. Thread-safe, also between
 * processes that share the folder.
 */
public final class LocalCache {

  private static final Logger log = LoggerFactory.getLogger(LocalCache.class);

  private static final Duration IN_USE = Duration.ofHours(1);
  private static final String SIDE = ".part";

  private final ObjectStore store;
  private final LocalFiles own;
  private final Path folder;
  private final long maxBytes;
  private final Clock clock;
  private final ConcurrentHashMap<Sha256, Object> busy = new ConcurrentHashMap<>();

  /** A cache in a folder, which is made when something has to be copied. */
  public LocalCache(ObjectStore store, LocalFiles own, Path folder, long maxBytes) {
    this(store, own, folder, maxBytes, Clock.systemUTC());
  }

  LocalCache(ObjectStore store, LocalFiles own, Path folder, long maxBytes, Clock clock) {
    this.store = store;
    this.own = own;
    this.folder = folder;
    this.maxBytes = maxBytes;
    this.clock = clock;
  }

  /**
   * The object as a file that must not be written.
   *
   * @throws ObjectStoreException.Corrupt when the store's bytes have another digest
   * @throws ObjectStoreException.NoSpace when the disk is too small for a copy
   */
  public Path file(ObjectRef ref) {
    try {
      var inPlace = own.file(ref.bucket(), ref.key());
      if (inPlace.isPresent() && hasSize(inPlace.get(), ref.size())) {
        return inPlace.get();
      }
      var copy = folder.resolve(ref.sha256().hex().substring(0, 2)).resolve(ref.sha256().hex());
      synchronized (busy.computeIfAbsent(ref.sha256(), _ -> new Object())) {
        if (!hasSize(copy, ref.size())) {
          fetch(ref, copy);
        }
        Files.setLastModifiedTime(copy, FileTime.from(clock.instant()));
      }
      return copy;
    } catch (IOException e) {
      throw new UncheckedIOException("the cache folder " + folder + " cannot be used", e);
    }
  }

  private static boolean hasSize(Path file, long size) throws IOException {
    try {
      return Files.size(file) == size;
    } catch (NoSuchFileException e) {
      return false;
    }
  }

  private void fetch(ObjectRef ref, Path copy) throws IOException {
    var home = Files.createDirectories(copy.resolveSibling(""));
    makeRoom(ref.size());
    var free = Files.getFileStore(home).getUsableSpace();
    if (free < ref.size()) {
      throw new ObjectStoreException.NoSpace(
          "the copy of " + ref.bucket() + "/" + ref.key(), ref.size(), free);
    }
    var side = Files.createTempFile(home, ref.sha256().hex(), SIDE);
    try {
      download(ref, side);
      Files.move(side, copy, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(side);
    }
    log.debug("cached {}/{}, {} bytes", ref.bucket(), ref.key(), ref.size());
  }

  private void download(ObjectRef ref, Path side) throws IOException {
    var digest = DigestingUpload.sha256Digest();
    long size = 0;
    try (InputStream in = store.open(ref.bucket(), ref.key());
        var out = FileChannel.open(side, StandardOpenOption.WRITE)) {
      var buffer = new byte[1 << 20];
      for (int n; (n = in.read(buffer)) >= 0; size += n) {
        digest.update(buffer, 0, n);
        for (var rest = ByteBuffer.wrap(buffer, 0, n); rest.hasRemaining(); ) {
          out.write(rest);
        }
      }
      out.force(true); // a file that is there is right, also after a power cut
    }
    var sum = Sha256.of(digest.digest());
    if (size != ref.size() || !sum.equals(ref.sha256())) {
      throw new ObjectStoreException.Corrupt(ref, size, sum.hex());
    }
  }

  private record Entry(Path file, long size, FileTime used) {}

  private void makeRoom(long needed) throws IOException {
    var entries = entries();
    long total = entries.stream().mapToLong(Entry::size).sum();
    var recent = FileTime.from(clock.instant().minus(IN_USE));
    entries.sort(Comparator.comparing(Entry::used));
    for (var entry : entries) {
      if (total + needed <= maxBytes || entry.used().compareTo(recent) >= 0) {
        return;
      }
      Files.deleteIfExists(entry.file());
      total -= entry.size();
      log.debug("dropped {} from the cache", entry.file().getFileName());
    }
  }

  private List<Entry> entries() throws IOException {
    var entries = new ArrayList<Entry>();
    try (var files = Files.walk(folder, 2)) {
      for (var file : (Iterable<Path>) files::iterator) {
        try {
          if (Files.isRegularFile(file)) {
            entries.add(new Entry(file, Files.size(file), Files.getLastModifiedTime(file)));
          }
        } catch (NoSuchFileException e) {
          // another process was faster
        }
      }
    }
    return entries;
  }
}
