package flora.hub.archive;

import java.util.List;
import java.util.UUID;

/**
 * What was last wanted of a commit. When it was wanted is the object's own time.
 *
 * @param files what the hub names their bytes by, as in {@link flora.hub.HubFile#identity}
 * @param moment another one for each use: stores tell time by the second, and an ETag is that of
 *     the bytes
 */
public record Use(List<String> files, String moment) {

  public Use {
    files = List.copyOf(files);
  }

  /** A use that differs from every other. */
  static Use now(List<String> files) {
    return new Use(files, UUID.randomUUID().toString());
  }
}
