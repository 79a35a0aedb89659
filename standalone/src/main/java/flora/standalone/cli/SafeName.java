package flora.standalone.cli;

import flora.schemas.Names;
import flora.standalone.client.InvalidInput;
import java.util.Locale;

/** A name that the server takes, made from a folder's or a repository's. */
final class SafeName {

  private SafeName() {}

  /** Lower case; every run of other characters becomes one dash; at most 96 characters. */
  static String of(String name) {
    var safe =
        name.toLowerCase(Locale.ROOT)
            .replaceAll("[^a-z0-9._-]+", "-")
            .replaceAll("\\.{2,}", ".")
            .replaceAll("^[._-]+", "");
    safe = safe.substring(0, Math.min(96, safe.length()));
    if (!Names.isSafe(safe)) {
      throw new InvalidInput(
          "cannot make a name of '%s': expected at least one letter or digit of a–z, 0–9"
              .formatted(name));
    }
    return safe;
  }
}
