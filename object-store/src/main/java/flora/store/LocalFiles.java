package flora.store;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.Optional;

/**
 * The store's own files, when it lives on this machine: they can be mapped without a copy. They are
 * replaced by renaming, so a mapped file does not change.
 */
public interface LocalFiles {

  /** The file that an object lies in. */
  Optional<Path> file(String bucket, String key);

  /** Free bytes of the store's disk. */
  Optional<Long> freeBytes();

  /** The short way for parts. */
  LocalParts parts();

  /** A store somewhere else. */
  static LocalFiles none() {
    return new LocalFiles() {
      @Override
      public Optional<Path> file(String bucket, String key) {
        return Optional.empty();
      }

      @Override
      public Optional<Long> freeBytes() {
        return Optional.empty();
      }

      @Override
      public LocalParts parts() {
        return (_, _, _, _, _) -> Optional.empty();
      }
    };
  }

  /** A store that keeps an object in {@code folder/bucket/key}. */
  static LocalFiles in(Path folder) {
    return in(folder, none().parts());
  }

  /** One that takes parts by a short way as well. */
  static LocalFiles in(Path folder, LocalParts parts) {
    return new LocalFiles() {
      @Override
      public Optional<Path> file(String bucket, String key) {
        var home = folder.resolve(bucket).normalize();
        var file = home.resolve(key).normalize();
        return home.startsWith(folder.normalize())
                && file.startsWith(home)
                && Files.isRegularFile(file, LinkOption.NOFOLLOW_LINKS)
            ? Optional.of(file)
            : Optional.empty();
      }

      @Override
      public Optional<Long> freeBytes() {
        try {
          return Optional.of(Files.getFileStore(folder).getUsableSpace());
        } catch (IOException e) {
          return Optional.empty(); // nobody can tell
        }
      }

      @Override
      public LocalParts parts() {
        return parts;
      }
    };
  }
}
