package flora.labeler.spool;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A folder of this machine for one piece of work; gone with everything in it when it is closed. A
 * file beside it is locked meanwhile, so that what a killed process has left is known and removed
 * by the next one that begins something.
 */
public final class WorkFolder implements AutoCloseable {

  private static final String PREFIX = "labelling-";
  private static final String LOCK = ".lock";

  private final Path path;
  private final Path lockFile;
  private final FileChannel lock;
  private final List<FileIndex<?>> open = new ArrayList<>();

  private WorkFolder(Path path, Path lockFile, FileChannel lock) {
    this.path = path;
    this.lockFile = lockFile;
    this.lock = lock;
  }

  /** A new one in a folder, which is made if it is not there. */
  public static WorkFolder in(Path parent) {
    try {
      Files.createDirectories(parent);
      removeLeftovers(parent);
      var lockFile = Files.createTempFile(parent, PREFIX, LOCK);
      var lock = FileChannel.open(lockFile, StandardOpenOption.WRITE);
      lock.lock(); // before there is a folder that somebody could take for a leftover
      return new WorkFolder(Files.createDirectory(folderOf(lockFile)), lockFile, lock);
    } catch (IOException e) {
      throw new UncheckedIOException("no folder can be made in " + parent, e);
    }
  }

  private static Path folderOf(Path lockFile) {
    var name = lockFile.getFileName().toString();
    return lockFile.resolveSibling(name.substring(0, name.length() - LOCK.length()));
  }

  private static void removeLeftovers(Path parent) throws IOException {
    try (var folders = Files.newDirectoryStream(parent, PREFIX + "*")) {
      for (var folder : folders) {
        if (Files.isDirectory(folder)) {
          removeUnlessUsed(folder);
        }
      }
    }
  }

  private static void removeUnlessUsed(Path folder) throws IOException {
    var lockFile = folder.resolveSibling(folder.getFileName() + LOCK);
    try (var lock =
            FileChannel.open(lockFile, StandardOpenOption.WRITE, StandardOpenOption.CREATE);
        var mine = lock.tryLock()) {
      if (mine != null) {
        remove(folder);
        Files.deleteIfExists(lockFile);
      }
    } catch (OverlappingFileLockException e) {
      // another thread of this process works there
    }
  }

  /** An index of values, empty. */
  public <T> FileIndex<T> index(Class<T> type) {
    var index = new FileIndex<>(file(type.getSimpleName()), type);
    open.add(index);
    return index;
  }

  /** A new file, empty. */
  public Path file(String name) {
    try {
      return Files.createTempFile(path, name + "-", "");
    } catch (IOException e) {
      throw new UncheckedIOException("no file can be made in " + path, e);
    }
  }

  @Override
  public void close() {
    open.forEach(FileIndex::close);
    try (lock) {
      remove(path);
      Files.deleteIfExists(lockFile);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + path, e);
    }
  }

  private static void remove(Path folder) throws IOException {
    try (var files = Files.walk(folder)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (NoSuchFileException | UncheckedIOException e) {
      if (Files.exists(folder)) {
        throw e; // or else another one was quicker
      }
    }
  }
}
