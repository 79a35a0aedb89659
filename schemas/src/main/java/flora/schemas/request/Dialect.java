package flora.schemas.request;

import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Whose names the keys of a request have, and whose defaults hold where it says nothing. */
enum Dialect {
  /** Our own: those of the articles. */
  FLORA,
  /** {@code kohya-ss/sd-scripts: train_network.py}. */
  KOHYA,
  /** {@code examples/text_to_image/train_text_to_image_lora.py} of diffusers. */
  DIFFUSERS;

  /** Its name. */
  String word() {
    return name().toLowerCase(Locale.ROOT);
  }

  /**
   * The dialect of a document: TOML is kohya's, all else is ours unless somebody says so.
   *
   * @param word what somebody says; null = nothing
   */
  static Dialect of(ContentKind kind, @Nullable String word) {
    if (word == null) {
      return kind == ContentKind.TOML ? KOHYA : FLORA;
    }
    return Stream.of(values())
        .filter(dialect -> dialect.word().equals(word))
        .findFirst()
        .orElseThrow(
            () ->
                RequestException.invalid(
                    "",
                    "unknown dialect",
                    "leave ?dialect out, or write one of "
                        + Stream.of(values())
                            .map(Dialect::word)
                            .collect(Collectors.joining(", "))));
  }
}
