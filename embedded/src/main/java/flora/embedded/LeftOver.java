package flora.embedded;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.util.regex.Pattern;

/**
 * What a killed process leaves in the objects' folder: the side files that puts are written to
 * before they are renamed. They would be listed as objects.
 */
final class LeftOver {

  /** The side file of a key is the key and a random UUID. */
  private static final Pattern SIDE_FILE =
      Pattern.compile(".*-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");

  /** Written when all bytes are there: whatever has it may be an object of that name. */
  private static final String COMPLETE = "user.content-md5";

  private LeftOver() {}

  static void sweep(Path objects) throws IOException {
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
