package flora.standalone.cli;

import flora.standalone.client.InvalidInput;
import java.nio.file.Path;

/** A file that a server names, within the folder that the person named. */
final class OutputFile {

  private OutputFile() {}

  /** The file's place; refused when the name leads out of the folder. */
  static Path inside(Path folder, String name) {
    var home = folder.toAbsolutePath().normalize();
    var file = home.resolve(name).normalize();
    if (!file.startsWith(home) || file.equals(home)) {
      throw new InvalidInput(
          "the server names a file outside of %s: refused, nothing was written".formatted(folder));
    }
    return folder.resolve(home.relativize(file));
  }
}
