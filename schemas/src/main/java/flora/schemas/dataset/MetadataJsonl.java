package flora.schemas.dataset;

import flora.schemas.Json;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

/**
 * {@code metadata.jsonl}: a JSON object on every line, with {@code file_name} and {@code text},
 * which is what Hugging Face's {@code imagefolder} reads; {@code filename} and {@code prompt} are
 * read too, among other fields, and a {@code label} for classes. Nothing of it is ever held but a
 * line.
 */
public final class MetadataJsonl {

  private static final List<String> FILE_FIELDS = List.of("file_name", "filename");
  private static final List<String> TEXT_FIELDS = List.of("text", "prompt");
  private static final List<String> LABEL_FIELDS = List.of("label");

  /** Longest line, characters. */
  private static final int MAX_LINE = 1 << 20;

  private MetadataJsonl() {}

  /**
   * Reads rows, as far as they are asked for; a picture that stands there twice is not noticed. The
   * reader is not closed.
   *
   * @throws MetadataException at the line that is wrong
   */
  public static Stream<CaptionRow> read(Reader in) {
    var lines = new Lines(new BufferedReader(in));
    return Stream.generate(lines::next).takeWhile(Optional::isPresent).map(Optional::get);
  }

  /** Writes a row; a class only where the picture has one. */
  public static void write(Writer out, CaptionRow row) {
    var line = Json.mapper().createObjectNode();
    line.put("file_name", row.fileName());
    line.put("text", row.text());
    if (row.label() != null) {
      line.put("label", row.label());
    }
    try {
      out.write(Json.mapper().writeValueAsString(line));
      out.write('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static final class Lines {
    private final BufferedReader in;
    private int line;

    Lines(BufferedReader in) {
      this.in = in;
    }

    Optional<CaptionRow> next() {
      try {
        for (var text = line(); text != null; text = line()) {
          if (!text.isBlank()) {
            return Optional.of(row(text));
          }
        }
        return Optional.empty();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** The next line without its end; null behind the last. */
    private @Nullable String line() throws IOException {
      line++;
      var text = new StringBuilder();
      int c = in.read();
      if (c < 0) {
        return null;
      }
      while (c >= 0 && c != '\n') {
        if (text.length() == MAX_LINE) {
          throw wrong("more than %d characters".formatted(MAX_LINE));
        }
        if (line > 1 || !text.isEmpty() || c != '\uFEFF') {
          text.append((char) c);
        }
        c = in.read();
      }
      return text.toString();
    }

    private CaptionRow row(String text) {
      JsonNode object;
      try {
        object = Json.mapper().readTree(text);
      } catch (JacksonException e) {
        throw wrong("not JSON: " + e.getOriginalMessage());
      }
      if (!object.isObject()) {
        throw wrong("not an object; expected {\"file_name\": …, \"text\": …}");
      }
      var name = text(object, FILE_FIELDS);
      if (name == null || name.isBlank()) {
        throw wrong("the picture's name, file_name, is missing");
      }
      var caption = text(object, TEXT_FIELDS);
      var label = text(object, LABEL_FIELDS);
      if (caption == null && label == null && TEXT_FIELDS.stream().noneMatch(object::has)) {
        throw wrong("the caption, text, is missing");
      }
      return new CaptionRow(
          name,
          caption == null ? "" : caption,
          label == null || label.isBlank() ? null : label.strip());
    }

    /** The first of some fields; null where there is none, or null. */
    private @Nullable String text(JsonNode object, List<String> names) {
      for (var name : names) {
        var value = object.get(name);
        if (value != null && !value.isNull()) {
          if (value.isContainer()) {
            throw wrong(name + " is not a text");
          }
          var text = value.asString();
          if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw wrong(name + " holds half of a character, such as \\ud83d; the other is missing");
          }
          return text;
        }
      }
      return null;
    }

    private MetadataException wrong(String what) {
      return new MetadataException("metadata.jsonl", line, what);
    }
  }
}
