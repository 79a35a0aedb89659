package flora.schemas.request;

import java.util.Locale;
import java.util.Optional;

/** How a run request is written; said by its media type, never guessed. */
public enum ContentKind {
  /** {@code application/json}. */
  JSON,
  /** {@code application/yaml} and its older names. */
  YAML,
  /** {@code application/toml}: kohya's configuration files. */
  TOML;

  /** The kind that a {@code Content-Type} names, parameters aside. */
  public static Optional<ContentKind> of(String contentType) {
    var media = contentType.split(";", 2)[0].strip().toLowerCase(Locale.ROOT);
    return switch (media) {
      case "application/json" -> Optional.of(JSON);
      case "application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml" ->
          Optional.of(YAML);
      case "application/toml", "text/x-toml" -> Optional.of(TOML);
      default -> Optional.empty();
    };
  }
}
