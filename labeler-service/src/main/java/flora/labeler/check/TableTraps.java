package flora.labeler.check;

import java.util.Set;
import java.util.regex.Pattern;

/**
 * Captions that a metadata.csv does not carry: {@code datasets} reads it by {@code pandas.read_csv}
 * with its defaults, which take some words for a missing value, quoted or not, and columns of
 * numbers for numbers. A metadata.jsonl carries them all.
 */
final class TableTraps {

  /** pandas' {@code STR_NA_VALUES}. */
  private static final Set<String> MISSING =
      Set.of(
          "",
          "#N/A",
          "#N/A N/A",
          "#NA",
          "-1.#IND",
          "-1.#QNAN",
          "-NaN",
          "-nan",
          "1.#IND",
          "1.#QNAN",
          "<NA>",
          "N/A",
          "NA",
          "NULL",
          "NaN",
          "None",
          "n/a",
          "nan",
          "null");

  private static final Pattern NUMBER =
      Pattern.compile("\\s*[+-]?(?:\\d+\\.?\\d*|\\.\\d+)(?:[eE][+-]?\\d+)?\\s*");

  private TableTraps() {}

  static boolean isTakenForMissing(String text) {
    return MISSING.contains(text);
  }

  static boolean isNumber(String text) {
    return NUMBER.matcher(text).matches();
  }
}
