package flora.schemas.request;

import flora.schemas.document.Node;
import flora.schemas.document.Node.Style;
import java.math.BigDecimal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
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

  /**
   * True or false, or a word. The value is text.
   *
   * @param words which; empty = a mirror's name
   */
  record FlagOr(List<String> words) implements Shape {
    public FlagOr {
      words = List.copyOf(words);
    }

    @Override
    public String expected() {
      return "true, false or " + (words.isEmpty() ? "a mirror's name" : String.join(", ", words));
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      if (!(node instanceof Node.Scalar(String text, Style style)) || style == Style.NUMBER) {
        return null;
      }
      var flag = new Flag().readOrNull(new Node.Scalar(text, Style.PLAIN));
      if (flag != null) {
        return flag.toString();
      }
      return (words.isEmpty() ? new Text(96, "") : new Choice(words)).readOrNull(node);
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

  /**
   * The side of a square in pixels, or width and height: {@code 512}, {@code "512,768"}, {@code
   * [512, 768]}. The value is a whole number, or an {@link Area} where the two differ.
   */
  record Side(long min, long max, int multipleOf) implements Shape {

    /** Width and height that differ, pixels. */
    record Area(long width, long height) {}

    @Override
    public String expected() {
      return new Whole(min, max, multipleOf).expected() + ", or two such as width,height";
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      var sides = new ArrayList<Long>();
      for (var side : sides(node)) {
        if (!(new Whole(min, max, multipleOf).readOrNull(side) instanceof Long number)) {
          return null;
        }
        sides.add(number);
      }
      return switch (sides.size()) {
        case 1 -> sides.getFirst();
        case 2 ->
            sides.getFirst().equals(sides.getLast())
                ? sides.getFirst()
                : new Area(sides.getFirst(), sides.getLast());
        default -> null;
      };
    }

    private static List<Node> sides(Node node) {
      return switch (node) {
        case Node.Items(var items) -> items;
        case Node.Scalar(String text, Style style) when style != Style.NUMBER ->
            Stream.of(text.split(",", 4))
                .map(side -> (Node) new Node.Scalar(side.strip(), Style.PLAIN))
                .toList();
        case Node.Scalar number -> List.of(number);
        case Node.Fields _ -> List.of();
      };
    }
  }

  /** A number of steps, or a share of all of them. The value is whole, or a number below 1. */
  record Steps(long max) implements Shape {
    @Override
    public String expected() {
      return new Whole(0, max, 1).expected() + ", or a share of all steps below 1";
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      var whole = new Whole(0, max, 1).readOrNull(node);
      return whole == null ? new Decimal(0, true, 1, false).readOrNull(node) : whole;
    }
  }

  /**
   * Seconds, or hours, minutes and seconds: {@code 5400}, {@code 1h30m}, or {@code PT1H30M} as in a
   * plan.
   */
  record Time() implements Shape {
    private static final Pattern PARTS =
        Pattern.compile("(?:PT)?(?:(\\d{1,4})[hH])?(?:(\\d{1,5})[mM])?(?:(\\d{1,6})[sS])?");

    @Override
    public String expected() {
      return "a time such as 2h30m, or seconds";
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      if (new Whole(1, 100_000_000, 1).readOrNull(node) instanceof Long seconds) {
        return Duration.ofSeconds(seconds);
      }
      if (!(new Text(32, "").readOrNull(node) instanceof String text)) {
        return null;
      }
      var parts = PARTS.matcher(text);
      if (!parts.matches()) {
        return null;
      }
      var time =
          Duration.ofHours(part(parts.group(1)))
              .plusMinutes(part(parts.group(2)))
              .plusSeconds(part(parts.group(3)));
      return time.isZero() ? null : time;
    }

    private static long part(@Nullable String digits) {
      return digits == null ? 0 : Long.parseLong(digits);
    }
  }

  /** What computes: {@code auto}, {@code cpu}, {@code cuda:0}. The value is text. */
  record Device() implements Shape {
    private static final Pattern WORDS = Pattern.compile("auto|cpu|cuda:\\d{1,3}");

    @Override
    public String expected() {
      return "one of auto, cpu, cuda:0, cuda:1, …";
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      return new Text(16, "").readOrNull(node) instanceof String word
              && WORDS.matcher(word).matches()
          ? word
          : null;
    }
  }

  /** Several that compute together; a number is that GPU. The value is a list of texts. */
  record Devices(int max) implements Shape {
    @Override
    public String expected() {
      return "a list of at most %d of cpu, cuda:0 or a GPU's number".formatted(max);
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      if (!(node instanceof Node.Items(var items)) || items.size() > max) {
        return null;
      }
      var devices = new ArrayList<String>();
      for (var item : items) {
        var number = new Whole(0, 999, 1).readOrNull(item);
        var device = number == null ? new Device().readOrNull(item) : "cuda:" + number;
        if (!(device instanceof String word) || word.equals("auto")) {
          return null;
        }
        devices.add(word);
      }
      return List.copyOf(devices);
    }
  }

  /** Texts by text, in order. */
  record TextMap(int maxItems, int maxLength) implements Shape {
    @Override
    public String expected() {
      return "a map of at most %d texts of at most %d characters".formatted(maxItems, maxLength);
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      if (!(node instanceof Node.Fields(var fields)) || fields.size() > maxItems) {
        return null;
      }
      var text = new Text(maxLength, "");
      var texts = new LinkedHashMap<String, String>();
      for (var field : fields.entrySet()) {
        if (text.readOrNull(new Node.Scalar(field.getKey(), Style.QUOTED)) == null
            || !(text.readOrNull(field.getValue()) instanceof String value)) {
          return null;
        }
        texts.put(field.getKey(), value);
      }
      return texts;
    }
  }

  /**
   * Labels: a list, or lists by kind, in order. One of the words for a built-in list stands for
   * that list. The value is a map in either case.
   */
  record Kinds(int maxKinds, int maxLabels, int maxLength) implements Shape {
    @Override
    public String expected() {
      return ("a list of at most %d texts of at most %d characters, or at most %d such lists by"
              + " kind, where %s stand for the built-in ones")
          .formatted(maxLabels, maxLength, maxKinds, String.join(", ", LabelOptions.BUILT_IN));
    }

    @Override
    public @Nullable Object readOrNull(Node node) {
      var kinds = new LinkedHashMap<String, List<String>>();
      if (node instanceof Node.Fields(var fields)) {
        for (var field : fields.entrySet()) {
          var labels = labels(field.getValue());
          if (labels == null || labels.isEmpty() || !isName(field.getKey())) {
            return null;
          }
          kinds.put(field.getKey(), labels);
        }
      } else {
        var labels = labels(node);
        if (labels == null) {
          return null;
        }
        if (!labels.isEmpty()) {
          kinds.put(LabelOptions.ONE_KIND, labels);
        }
      }
      int all = kinds.values().stream().mapToInt(List::size).sum();
      return kinds.size() <= maxKinds && all <= maxLabels ? kinds : null;
    }

    private @Nullable List<String> labels(Node node) {
      if (new Choice(LabelOptions.BUILT_IN).readOrNull(node) instanceof String word) {
        return List.of(word);
      }
      if (!(new TextList(maxLabels, maxLength, false).readOrNull(node) instanceof List<?> list)) {
        return null;
      }
      return list.stream().map(label -> ((String) label).strip()).distinct().toList();
    }

    private static boolean isName(String kind) {
      return new Text(64, "").readOrNull(new Node.Scalar(kind, Style.QUOTED)) != null;
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
