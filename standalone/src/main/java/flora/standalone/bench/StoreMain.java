package flora.standalone.bench;

import flora.embedded.EmbeddedS3;
import java.io.IOException;
import java.nio.file.Path;

/** The embedded store in a process of its own; prints its endpoint, ends with standard input. */
final class StoreMain {

  private StoreMain() {}

  public static void main(String... args) throws IOException {
    try (var store = EmbeddedS3.start(EmbeddedS3.Options.on(Path.of(args[0])))) {
      System.out.println(store.endpoint());
      var lines = Child.lines();
      while (lines.readLine() != null) {
        // nothing is asked of it
      }
    }
  }
}
