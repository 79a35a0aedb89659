package flora.schemas.dataset;

import java.util.HashSet;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * The names of the texts that lie beside pictures, asked for one after the other in the order of
 * the version: {@code a.png} has {@code a.txt}, and where another picture has that already, {@code
 * a.png.txt}. No two pictures have the same.
 */
public final class SidecarNames {

  /** Parts of a path that would lead elsewhere. */
  private static final Pattern ASTRAY = Pattern.compile("(^|/)(\\.{0,2}|[A-Za-z]:)(?=/|$)");

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

  /** Whether a text has the name that trainers look for, and not one that only it has. */
  public static boolean isUsual(String picture, String text) {
    return text.equals(new SidecarNames().of(picture));
  }

  /** A picture's name without the parts that would lead out of the folder that texts go into. */
  public static String within(String picture) {
    return ASTRAY.matcher(picture.replace('\\', '/')).replaceAll("$1_");
  }
}
