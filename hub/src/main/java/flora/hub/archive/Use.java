package flora.hub.archive;

import java.util.List;

/**
 * What was last wanted of a commit. When it was wanted is the object's own time.
 *
 * @param files what the hub names their bytes by, as in {@link flora.hub.HubFile#identity}
 */
public record Use(List<String> files) {

  public Use {
    files = List.copyOf(files);
  }
}
