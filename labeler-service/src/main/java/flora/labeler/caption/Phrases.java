package flora.labeler.caption;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.regex.MatchResult;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Finds phrases in a text as whole words, whatever the case and the white space between words; of
 * two that begin at one place the longer. In scripts that put no space between words every letter
 * is a word's border. Pure.
 */
final class Phrases {

  private static final String SPACELESS =
      "\\p{IsHan}\\p{IsHiragana}\\p{IsKatakana}\\p{IsThai}\\p{IsLao}\\p{IsKhmer}\\p{IsMyanmar}";
  private static final String LETTER = "[\\p{L}\\p{N}\\p{M}_&&[^" + SPACELESS + "]]";
  private static final Pattern WORD_LETTER = Pattern.compile(LETTER);

  private final List<String> phrases;
  private final Pattern pattern;

  /** Some phrases; blank ones are never found. */
  Phrases(Collection<String> phrases) {
    this.phrases =
        phrases.stream()
            .filter(p -> !p.isBlank())
            .sorted(Comparator.comparingInt(String::length).reversed())
            .toList();
    this.pattern =
        Pattern.compile(
            this.phrases.stream()
                .map(p -> "(" + wholeWords(p) + ")")
                .collect(Collectors.joining("|")),
            Pattern.CASE_INSENSITIVE | Pattern.UNICODE_CASE);
  }

  private static String wholeWords(String phrase) {
    var words =
        Stream.of(phrase.strip().split("\\s+")).map(Pattern::quote).collect(Collectors.toList());
    var bare = phrase.strip();
    int last = bare.codePointBefore(bare.length());
    return (isWordLetter(bare.codePointAt(0)) ? "(?<!" + LETTER + ")" : "")
        + String.join("\\s+", words)
        + (isWordLetter(last) ? "(?!" + LETTER + ")" : "");
  }

  private static boolean isWordLetter(int letter) {
    return WORD_LETTER.matcher(Character.toString(letter)).matches();
  }

  /** Whether words may be parted between these two letters. */
  static boolean isBorder(int before, int after) {
    return !isWordLetter(before) || !isWordLetter(after);
  }

  /** Whether one of them stands in a text. */
  boolean in(String text) {
    return !phrases.isEmpty() && pattern.matcher(text).find();
  }

  /**
   * A text with something else in their places; what is put in is not looked at again.
   *
   * @param other what stands for a phrase, as it was given
   */
  String replaced(String text, UnaryOperator<String> other) {
    if (phrases.isEmpty()) {
      return text;
    }
    return pattern
        .matcher(text)
        .replaceAll(found -> Matcher.quoteReplacement(other.apply(phrases.get(group(found)))));
  }

  private int group(MatchResult found) {
    for (int i = 0; i < phrases.size(); i++) {
      if (found.group(i + 1) != null) {
        return i;
      }
    }
    throw new IllegalStateException("a match without a group");
  }

  /**
   * Where a text can be cut so that its beginning ends with a whole word; ascending, without its
   * end.
   */
  static List<Integer> cuts(String text) {
    var cuts = new ArrayList<Integer>();
    cuts.add(0);
    for (int i = text.isEmpty() ? 0 : Character.charCount(text.codePointAt(0));
        i < text.length();
        i += Character.charCount(text.codePointAt(i))) {
      int before = text.codePointBefore(i);
      int after = text.codePointAt(i);
      boolean spaceless = !Character.isWhitespace(before) && !Character.isWhitespace(after);
      boolean border =
          spaceless
              ? Character.isLetter(before) && Character.isLetter(after) && isBorder(before, after)
              : Character.isWhitespace(after) && !Character.isWhitespace(before);
      if (border) {
        cuts.add(i);
      }
    }
    return cuts;
  }
}
