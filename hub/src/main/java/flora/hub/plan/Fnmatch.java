package flora.hub.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * Unix shell patterns as regular expressions, step by step as {@code fnmatch.translate} of Python
 * 3.11 makes them, with all that it does about odd sets.
 */
final class Fnmatch {

  private static final String NOTHING = "(?!)";

  private final String glob;
  private final StringBuilder regex = new StringBuilder();

  /** What follows the last star; null before the first one. */
  private StringBuilder fixed = regex;

  private boolean afterStar;

  private Fnmatch(String glob) {
    this.glob = glob;
  }

  static Pattern compile(String glob) {
    return Pattern.compile(new Fnmatch(glob).translate(), Pattern.DOTALL);
  }

  private String translate() {
    for (int i = 0; i < glob.length(); ) {
      int c = glob.codePointAt(i);
      i += Character.charCount(c);
      int close = c == '[' ? closing(i) : -1;
      if (c == '*') {
        star();
      } else if (c == '?') {
        fixed.append('.');
      } else if (close >= 0) {
        fixed.append(set(glob.substring(i, close)));
        i = close + 1;
      } else {
        fixed.append(literal(c));
      }
    }
    if (afterStar) {
      regex.append(".*").append(fixed);
    }
    return regex.toString();
  }

  /**
   * What stands between two stars is looked for once, from the left, and never again: with
   * backtracking a pattern of many stars could take longer than anybody waits.
   */
  private void star() {
    if (afterStar && !fixed.isEmpty()) {
      regex.append("(?>.*?").append(fixed).append(')');
    }
    afterStar = true;
    fixed = new StringBuilder();
  }

  /** Where a set ends that begins at {@code from}; -1 for a bracket that stands for itself. */
  private int closing(int from) {
    int at = from;
    if (at < glob.length() && glob.charAt(at) == '!') {
      at++;
    }
    if (at < glob.length() && glob.charAt(at) == ']') {
      at++;
    }
    return glob.indexOf(']', at);
  }

  private static String set(String body) {
    var chunks = chunks(body);
    // a range that runs backwards holds nothing
    for (int k = chunks.size() - 1; k > 0; k--) {
      var left = chunks.get(k - 1);
      var right = chunks.get(k);
      if (left.codePointBefore(left.length()) > right.codePointAt(0)) {
        chunks.set(
            k - 1,
            left.substring(0, left.offsetByCodePoints(left.length(), -1))
                + right.substring(right.offsetByCodePoints(0, 1)));
        chunks.remove(k);
      }
    }
    boolean not = chunks.getFirst().startsWith("!");
    if (not) {
      chunks.set(0, chunks.getFirst().substring(1));
    }
    var regex = new StringBuilder();
    for (int k = 0; k < chunks.size(); k++) {
      regex.append(k == 0 ? "" : "-");
      chunks.get(k).codePoints().forEach(c -> regex.append(literal(c)));
    }
    if (regex.isEmpty()) {
      return not ? "." : NOTHING;
    }
    return (not ? "[^" : "[") + regex + "]";
  }

  /** The set cut at the hyphens that make ranges. */
  private static List<String> chunks(String body) {
    var chunks = new ArrayList<String>();
    int from = 0;
    int k = body.startsWith("!") ? 2 : 1;
    for (k = body.indexOf('-', k); k >= 0; k = body.indexOf('-', k + 3)) {
      chunks.add(body.substring(from, k));
      from = k + 1;
    }
    if (from < body.length() || chunks.isEmpty()) {
      chunks.add(body.substring(from));
    } else {
      chunks.add(chunks.removeLast() + "-");
    }
    return chunks;
  }

  private static String literal(int c) {
    var text = Character.toString(c);
    return Character.isLetterOrDigit(c) ? text : "\\" + text;
  }
}
