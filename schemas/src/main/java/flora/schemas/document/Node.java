package flora.schemas.document;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * A value of a document as it was written. A scalar keeps its text: what {@code no} or {@code 1e-4}
 * means is said by the key it stands under, never guessed from its looks.
 */
public sealed interface Node {

  /** Deepest nesting that a document may have. */
  int MAX_DEPTH = 16;

  /** Largest document, bytes. */
  int MAX_BYTES = 256 * 1024;

  /**
   * A single value.
   *
   * @param text its characters, escapes resolved
   * @param style how it was written
   */
  record Scalar(String text, Style style) implements Node {}

  /** Values in order. */
  record Items(List<Node> values) implements Node {
    public Items {
      values = List.copyOf(values);
    }
  }

  /** Values by name, in the order they were written. */
  record Fields(SequencedMap<String, Node> values) implements Node {
    public Fields {
      values = new LinkedHashMap<>(values);
    }
  }

  /** How a scalar was written. */
  enum Style {
    /** YAML without quotes: text, number or flag, as the key wants it. */
    PLAIN,
    /** In quotes: text. */
    QUOTED,
    /** A JSON number. */
    NUMBER,
    /** JSON's true or false. */
    FLAG,
    /** Null, or nothing at all. */
    NULL
  }

  /** Whether this stands for "not given". */
  default boolean isNull() {
    return this instanceof Scalar(_, Style style) && style == Style.NULL;
  }

  /** A JSON pointer one level down, RFC 6901. */
  static String pointer(String parent, String name) {
    return parent + "/" + name.replace("~", "~0").replace("/", "~1");
  }
}
