package flora.schemas.request;

import java.util.Collection;
import java.util.Comparator;
import java.util.Locale;
import java.util.Optional;

/** The known word that somebody may have meant. */
final class Nearest {

  private Nearest() {}

  /** The candidate with the smallest edit distance, unless even that is another word. */
  static Optional<String> to(String word, Collection<String> candidates) {
    var lower = word.toLowerCase(Locale.ROOT);
    return candidates.stream()
        .filter(c -> distance(lower, c) <= Math.max(1, Math.max(lower.length(), c.length()) / 3))
        .min(
            Comparator.comparingInt((String c) -> distance(lower, c))
                .thenComparing(Comparator.naturalOrder()));
  }

  /** Levenshtein's distance, https://en.wikipedia.org/wiki/Levenshtein_distance, two rows. */
  static int distance(String a, String b) {
    var row = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int above = row[j];
        int change = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
        row[j] = Math.min(diagonal + change, Math.min(above, row[j - 1]) + 1);
        diagonal = above;
      }
    }
    return row[b.length()];
  }
}
