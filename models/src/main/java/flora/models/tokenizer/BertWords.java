package flora.models.tokenizer;

import java.text.Normalizer;
import java.util.Locale;
import java.util.function.Consumer;

/**
 * How BERT sees a text: without control characters, ideographs apart, usually in lower case without
 * accents; then words and single punctuation marks.
 *
 * <p>Unicode is this Java's. The peer's tables are of Unicode 8, so that accents and marks of
 * scripts that came later are taken for letters there.
 *
 * @param lowercase whether letters become small
 * @param stripsAccents whether letters lose their accents
 * @param spacesIdeographs whether every Chinese character is a word
 */
record BertWords(boolean lowercase, boolean stripsAccents, boolean spacesIdeographs) {

  /** The tokenizers library's BertNormalizer. */
  String normalize(String text) {
    var cleaned = new StringBuilder(text.length());
    text.codePoints().forEach(c -> clean(c, cleaned));
    if (!lowercase && !stripsAccents) {
      return cleaned.toString();
    }
    CharSequence letters =
        stripsAccents ? Normalizer.normalize(cleaned, Normalizer.Form.NFD) : cleaned;
    var normalized = new StringBuilder(letters.length());
    letters
        .codePoints()
        .filter(c -> !stripsAccents || Character.getType(c) != Character.NON_SPACING_MARK)
        .forEach(c -> normalized.append(lowercase ? small(c) : Character.toString(c)));
    return normalized.toString();
  }

  /** Letter by letter, as the peer does: a sigma at the end of a word stays as any other. */
  private static String small(int c) {
    return Character.toString(c).toLowerCase(Locale.ROOT);
  }

  private void clean(int c, StringBuilder to) {
    if (isSpace(c)) {
      to.append(' ');
    } else if (c == 0 || c == 0xfffd || isControl(c)) {
      return;
    } else if (spacesIdeographs && isIdeograph(c)) {
      to.append(' ').appendCodePoint(c).append(' ');
    } else {
      to.appendCodePoint(c);
    }
  }

  /** The tokenizers library's BertPreTokenizer. */
  static void split(String normalized, Consumer<String> words) {
    int from = 0;
    int i = 0;
    while (i < normalized.length()) {
      int c = normalized.codePointAt(i);
      int next = i + Character.charCount(c);
      boolean punctuation = isPunctuation(c);
      if (punctuation || isSpace(c)) {
        if (i > from) {
          words.accept(normalized.substring(from, i));
        }
        if (punctuation) {
          words.accept(normalized.substring(i, next));
        }
        from = next;
      }
      i = next;
    }
    if (from < normalized.length()) {
      words.accept(normalized.substring(from));
    }
  }

  /** Unicode's White_Space, which Java's own tests do not equal. */
  private static boolean isSpace(int c) {
    return switch (c) {
      case '\t', '\n', 0x0b, '\f', '\r', ' ', 0x85, 0xa0, 0x1680 -> true;
      case 0x2028, 0x2029, 0x202f, 0x205f, 0x3000 -> true;
      default -> c >= 0x2000 && c <= 0x200a;
    };
  }

  private static boolean isControl(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.PRIVATE_USE -> true;
      default -> false;
    };
  }

  private static boolean isPunctuation(int c) {
    if (c < 0x80) {
      return c > ' ' && c < 0x7f && !Character.isLetterOrDigit(c);
    }
    return switch (Character.getType(c)) {
      case Character.CONNECTOR_PUNCTUATION,
          Character.DASH_PUNCTUATION,
          Character.START_PUNCTUATION,
          Character.END_PUNCTUATION,
          Character.INITIAL_QUOTE_PUNCTUATION,
          Character.FINAL_QUOTE_PUNCTUATION,
          Character.OTHER_PUNCTUATION ->
          true;
      default -> false;
    };
  }

  /** The peer's ranges: it begins extension E later than Unicode does. */
  private static boolean isIdeograph(int c) {
    return (c >= 0x4e00 && c <= 0x9fff)
        || (c >= 0x3400 && c <= 0x4dbf)
        || (c >= 0x20000 && c <= 0x2a6df)
        || (c >= 0x2a700 && c <= 0x2b73f)
        || (c >= 0x2b740 && c <= 0x2b81f)
        || (c >= 0x2b920 && c <= 0x2ceaf)
        || (c >= 0xf900 && c <= 0xfaff)
        || (c >= 0x2f800 && c <= 0x2fa1f);
  }
}
