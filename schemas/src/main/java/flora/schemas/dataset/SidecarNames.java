package flora.schemas.dataset;

import java.util.HashSet;
import java.util.Set;

/**
 * The names of the texts that lie beside pictures, asked for one after the other in the order of
 * the version: {@code a.png} has {@code a.txt}, and where another picture has that already, {@code
 * a.png.txt}. No two pictures have the same.
 */
public final class SidecarNames {

  private final Set<String> taken = new HashSet<>();

  /** The name of the next picture's text; it lies where the picture does. */
  public String of(String picture) {
    int dot = picture.lastIndexOf('.');
    var name = (dot > picture.lastIndexOf('/') ? picture.substring(0, dot) : picture) + ".txt";
    for (int others = 1; !taken.add(name); others++) {
      name = picture + (others == 1 ? "" : "-" + others) + ".txt";
    }
    return name;
  }
}
