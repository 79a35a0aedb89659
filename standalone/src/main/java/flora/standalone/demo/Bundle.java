package flora.standalone.demo;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What is bundled beside this package: small trained models and the pictures to learn from. */
final class Bundle {

  private Bundle() {}

  static byte[] bytes(String path) {
    try (var in = Bundle.class.getResourceAsStream(path)) {
      if (in == null) {
        throw new IllegalStateException(path + " is not bundled: build again");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(path, e);
    }
  }

  static void copy(String path, Path to) throws IOException {
    Files.createDirectories(to.getParent());
    Files.write(to, bytes(path));
  }
}
