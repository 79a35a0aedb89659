package flora.standalone.demo;

import java.io.IOException;
import java.io.UncheckedIOException;

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
}
