package flora.gateway.dataset;

import flora.gateway.error.Refusal;
import flora.schemas.Names;
import java.nio.charset.StandardCharsets;

/** What the parts of an address below {@code /v1/datasets} may look like. */
public final class DatasetNames {

  private static final int LONGEST_NAME = 255;

  private DatasetNames() {}

  /**
   * A dataset's name is one that may be part of an address and of a key.
   *
   * @throws Refusal.Invalid when it is not
   */
  public static void dataset(String name) {
    if (!Names.isSafe(name)) {
      throw new Refusal.Invalid(
          "name", "the dataset's name is not " + Names.RULE, "choose such a name");
    }
  }

  /** Whether a text is a plain file name: no path, nothing hidden. */
  static boolean isPlain(String name) {
    return !(name.isBlank()
        || name.startsWith(".")
        || name.contains("/")
        || name.contains("\\")
        || name.chars().anyMatch(Character::isISOControl)
        || name.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME);
  }

  /** The original name of a file is kept as it is, but it must be one. */
  static void file(String name) {
    if (!isPlain(name)) {
      throw new Refusal.Invalid(
          "file",
          "the file's name is not a plain name: no path, no leading dot, at most %d bytes"
              .formatted(LONGEST_NAME),
          "send the name alone");
    }
  }
}
