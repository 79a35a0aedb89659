package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.document.Node.Style;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What the value of a key looks like, and how it is read from a document. */
sealed interface Shape {

  Pattern NUMBER = Pattern.compile("[-+]?(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][-+]?\\d{1,3})?");
  Set<String> TRUE = Set.of("true", "yes", "on");
  Set<String> FALSE = Set.of("false", "no", "off");

  /** For messages: "a whole number from 1 to 8". */
  String expected();

  /** The value, or null when the node is not of this shape. */
  @Nullable Object readOrNull(Node node);

  /** The value. */
  default Object read(String key, String pointer, Node node) {
    var value = readOrNull(node);
    if (value == null) {
      throw RequestException.invalid(
          pointer, key + " must be " + expected() + ", not " + shown(node), null);
    }
    return value;
  }

  /** Text on one line. */
  record Text(int maxLength, String expected) implements Shape {
    @Override
    public @Nullable Object readOrNull(Node node) {
      if (!(node instanceof Node.Scalar(String text, Style style))
          || (style != Style.PLAIN && style != Style.QUOTED)) {
        return null;
      }
      boolean sound =
          !text.isBlank()
              && text.length() <= maxLength
              && text.chars().noneMatch(Character::isISOControl);
      return sound ? text : null;
    }
  }

  /** A whole number, both ends included. */
  record Whole(long min, long max, int multipleOf) implements Shape {
    @Override
    public String expected() {
      return "a whole number from %d to %s"
          .formatted(min, max == Long.MAX_VALUE ? "2^63-1" : Long.toString(max))
          .concat(multipleOf == 1 ? "" : ", a multiple of " + multipleOf);
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      var number = number(node);
      try {
        long value = number == null ? min - 1 : number.longValueExact();
        return number != null && value >= min && value <= max && value % multipleOf == 0
            ? value
            : null;
      } catch (ArithmeticException e) {
        return null;
      }
    }
  }

  /** A number; the ends may be left out. */
  record Decimal(double min, boolean withMin, double max, boolean withMax) implements Shape {
    @Override
    public String expected() {
      return "a number %s %s and %s %s"
          .formatted(
              withMin ? "of at least" : "above",
              plain(min),
              withMax ? "at most" : "below",
              plain(max));
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      var number = number(node);
      if (number == null) {
        return null;
      }
      double value = number.doubleValue();
      boolean inside =
          (withMin ? value >= min : value > min) && (withMax ? value <= max : value < max);
      return inside ? value : null;
    }

    private static String plain(double number) {
      return BigDecimal.valueOf(number).stripTrailingZeros().toPlainString();
    }
  }

  /** True or false. */
  record Flag() implements Shape {
    @Override
    public String expected() {
      return "true or false";
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      if (!(node instanceof Node.Scalar(String text, Style style))
          || (style != Style.FLAG && style != Style.PLAIN)) {
        return null;
      }
      var lower = text.toLowerCase(Locale.ROOT);
      if (TRUE.contains(lower)) {
        return true;
      }
      return FALSE.contains(lower) ? false : null;
    }
  }

  /** One of a few words. */
  record Choice(List<String> words) implements Shape {
    public Choice {
      words = List.copyOf(words);
    }

    @Override
    public String expected() {
      return "one of " + String.join(", ", words);
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      return node instanceof Node.Scalar(String text, Style style)
              && (style == Style.PLAIN || style == Style.QUOTED)
              && words.contains(text)
          ? text
          : null;
    }
  }

  /** Whether to use mirrors, or which one: a flag, or a name. The value is text. */
  record FlagOrName() implements Shape {
    @Override
    public String expected() {
      return "true, false or a mirror's name";
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      if (!(node instanceof Node.Scalar(String text, Style style)) || style == Style.NUMBER) {
        return null;
      }
      var flag = new Flag().readOrNull(new Node.Scalar(text, Style.PLAIN));
      return flag != null ? flag.toString() : new Text(96, "").readOrNull(node);
    }
  }

  /** A list of texts; one text with commas does, too, where {@code commas} says so. */
  record TextList(int maxItems, int maxLength, boolean commas) implements Shape {
    @Override
    public String expected() {
      return "a list of at most %d texts of at most %d characters".formatted(maxItems, maxLength);
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      var text = new Text(maxLength, "");
      var texts = new ArrayList<String>();
      switch (node) {
        case Node.Items(var items) -> {
          for (var item : items) {
            if (!(text.readOrNull(item) instanceof String one)) {
              return null;
            }
            texts.add(one);
          }
        }
        case Node.Scalar scalar -> {
          if (!commas || !(new Text(Node.MAX_BYTES, "").readOrNull(scalar) instanceof String all)) {
            return null;
          }
          for (var part : all.split(",")) {
            if (part.isBlank() || part.length() > maxLength) {
              return null;
            }
            texts.add(part.strip());
          }
        }
        case Node.Fields _ -> {
          return null;
        }
      }
      return texts.size() <= maxItems ? List.copyOf(texts) : null;
    }
  }

  private static @Nullable BigDecimal number(Node node) {
    return node instanceof Node.Scalar(String text, Style style)
            && (style == Style.NUMBER || style == Style.PLAIN)
            && text.length() <= 64
            && NUMBER.matcher(text).matches()
        ? new BigDecimal(text)
        : null;
  }

  /** A node for messages: what kind of thing it is, or the beginning of it. */
  static String shown(Node node) {
    return switch (node) {
      case Node.Items _ -> "a list";
      case Node.Fields _ -> "an object";
      case Node.Scalar(String text, Style style) -> {
        var start = text.length() > 40 ? text.substring(0, 40) + "…" : text;
        yield style == Style.QUOTED ? "the text \"" + start + "\"" : start;
      }
    };
  }
}
