package flora.labeler.spool;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A folder of this machine for one piece of work; gone with everything in it when it is closed. */
public final class WorkFolder implements AutoCloseable {

  private final Path path;
  private final List<FileIndex<?>> open = new ArrayList<>();

  private WorkFolder(Path path) {
    this.path = path;
  }

  /** A new one in a folder, which is made if it is not there. */
  public static WorkFolder in(Path parent) {
    try {
      Files.createDirectories(parent);
      return new WorkFolder(Files.createTempDirectory(parent, "labelling-"));
    } catch (IOException e) {
      throw new UncheckedIOException("no folder can be made in " + parent, e);
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
    try (var files = Files.walk(path)) {
      for (var file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException("cannot remove " + path, e);
    }
  }
}
