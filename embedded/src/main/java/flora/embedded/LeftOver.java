package flora.embedded;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.regex.Pattern;

/**
 * What a killed process leaves in the objects' folder: the side files that puts are written to
 * before they are renamed, which would be listed as objects, and the parts of uploads that nobody
 * completes, which would fill the disk.
 */
final class LeftOver {

  /** The side file of a key is the key and a random UUID. */
  private static final Pattern SIDE_FILE =
      Pattern.compile(".*-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

  /** Written when all bytes are there: whatever has it may be an object of that name. */
  private static final String COMPLETE = "user.content-md5";

  /** Parts of an upload lie below this, at the top of their bucket. */
  private static final String UPLOAD = ".mpus-";

  /** An upload that nothing was added to for so long is given up. MinIO has the same patience. */
  private static final Duration ABANDONED = Duration.ofHours(24);

  private LeftOver() {}

  static void sweep(Path objects, Instant now) throws IOException {
    sideFiles(objects);
    try (var buckets = Files.newDirectoryStream(objects, Files::isDirectory)) {
      for (var bucket : buckets) {
        try (var uploads = Files.newDirectoryStream(bucket, UPLOAD + "*")) {
          for (var upload : uploads) {
            if (newest(upload).isBefore(now.minus(ABANDONED))) {
              remove(upload);
            }
          }
        }
      }
    }
  }

  private static Instant newest(Path tree) throws IOException {
    var newest = Instant.MIN;
    try (var files = Files.walk(tree)) {
      for (var file : (Iterable<Path>) files::iterator) {
        var time = Files.getLastModifiedTime(file).toInstant();
        newest = time.isAfter(newest) ? time : newest;
      }
    }
    return newest;
  }

  static void remove(Path tree) throws IOException {
    List<Path> all;
    try (var files = Files.walk(tree)) {
      all = files.toList();
    }
    for (var file : all.reversed()) {
      Files.delete(file);
    }
  }

  private static void sideFiles(Path objects) throws IOException {
    Files.walkFileTree(
        objects,
        new SimpleFileVisitor<Path>() {
          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            var name = file.getFileName();
            if (name != null && SIDE_FILE.matcher(name.toString()).matches() && !isComplete(file)) {
              Files.deleteIfExists(file);
            }
            return FileVisitResult.CONTINUE;
          }
        });
  }

  private static boolean isComplete(Path file) throws IOException {
    var view = Files.getFileAttributeView(file, UserDefinedFileAttributeView.class);
    // without such attributes nobody can tell: leave it
    return view == null || view.list().stream().anyMatch(COMPLETE::equals);
  }
}
