package flora.schemas;

import java.util.regex.Pattern;

/** What a name from outside may look like before it becomes part of a key. */
public final class Names {

  /** The rule, for error messages and schemas. */
  public static final String RULE = "[a-z0-9][a-z0-9._-]{0,95} without '..'";

  private static final Pattern SHAPE = Pattern.compile("[a-z0-9][a-z0-9._-]{0,95}");

  private Names() {}

  /** Whether a name from outside is safe as one segment of a key. */
  public static boolean isSafe(String name) {
    return SHAPE.matcher(name).matches() && !name.contains("..");
  }
}
