package flora.standalone;

import java.nio.file.Path;

/** Where a running instance says which ports it serves; apart, so that asking starts no logging. */
public final class PortsFile {

  private PortsFile() {}

  /** Its place in a data folder. */
  public static Path of(Path data) {
    return data.resolve("ports.json");
  }
}
