package flora.tensors;

import java.util.Collection;
import java.util.Comparator;
import java.util.stream.Collectors;

/** Finds names that resemble a missing one, for the error message. */
final class Nearest {

  private Nearest() {}

  /** Up to three names with the longest common end, where that is at least six characters. */
  static String names(String wanted, Collection<String> present) {
    return present.stream()
        .filter(name -> commonEnd(name, wanted) >= 6)
        .sorted(
            Comparator.comparingInt((String name) -> -commonEnd(name, wanted))
                .thenComparing(Comparator.naturalOrder()))
        .limit(3)
        .collect(Collectors.joining(", "));
  }

  private static int commonEnd(String a, String b) {
    int n = 0;
    while (n < a.length()
        && n < b.length()
        && a.charAt(a.length() - 1 - n) == b.charAt(b.length() - 1 - n)) {
      n++;
    }
    return n;
  }
}
