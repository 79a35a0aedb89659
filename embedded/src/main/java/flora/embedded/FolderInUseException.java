package flora.embedded;

import java.nio.file.Path;

/** The data folder belongs to another process that is alive. */
public final class FolderInUseException extends IllegalStateException {
  FolderInUseException(Path folder, String pid) {
    super(
        "the folder "
            + folder.toAbsolutePath().normalize()
            + " is in use by process "
            + (pid.isBlank() ? "unknown" : pid)
            + ": stop that one, or choose another data folder");
  }
}
