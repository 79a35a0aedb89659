package flora.models.clip;

import flora.models.tokenizer.ClipTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Texts longer than a text encoder takes, in windows of its length: each with start and end and the
 * next part of the text. The rules are sd-scripts'.
 */
public final class TokenWindows {
  private final ClipTokenizer tokenizer;
  private final int count;
  private final int places;

  private TokenWindows(ClipTokenizer tokenizer, int count, int places) {
    this.tokenizer = tokenizer;
    this.count = count;
    this.places = places;
  }

  /**
   * So many windows.
   *
   * @param places of a window, start and end included, usually 77
   */
  public static TokenWindows of(ClipTokenizer tokenizer, int count, int places) {
    return new TokenWindows(tokenizer, count, places);
  }

  /**
   * Windows for so many tokens.
   *
   * @param maxTokenLength without start and end, a multiple of a window's: 75, 150, 225
   */
  public static TokenWindows of(ClipTokenizer tokenizer, int maxTokenLength) {
    int content = tokenizer.maxLength() - 2;
    if (maxTokenLength < content || maxTokenLength % content != 0) {
      throw new IllegalArgumentException(
          "max_token_length is %d, expected a multiple of %d".formatted(maxTokenLength, content));
    }
    return new TokenWindows(tokenizer, maxTokenLength / content, tokenizer.maxLength());
  }

  /** How many windows a text has. */
  public int count() {
    return count;
  }

  /** Tokens of all windows together, with one start and one end. */
  public int length() {
    return count * (places - 2) + 2;
  }

  /** The windows of a text, all of the encoder's length. */
  public List<long[]> ids(String text) {
    long[] all = tokenizer.encode(text, length()).ids();
    if (count == 1) {
      return List.of(all);
    }
    int content = places - 2;
    var windows = new ArrayList<long[]>();
    for (int from = 1; from + content < all.length; from += content) {
      var window = new long[content + 2];
      window[0] = all[0];
      System.arraycopy(all, from, window, 1, content);
      window[content + 1] = all[all.length - 1];
      if (tokenizer.padId() != tokenizer.endId()) {
        endByItself(window);
      }
      windows.add(window);
    }
    return windows;
  }

  /** Where padding is another token than the end: every window ends, a window without text too. */
  private void endByItself(long[] window) {
    long beforeLast = window[window.length - 2];
    if (beforeLast != tokenizer.endId() && beforeLast != tokenizer.padId()) {
      window[window.length - 1] = tokenizer.endId();
    }
    if (window[1] == tokenizer.padId()) {
      window[1] = tokenizer.endId();
    }
  }

  /** The windows of several texts, one after the other. */
  long[] ids(List<String> texts) {
    return texts.stream()
        .flatMap(text -> ids(text).stream())
        .flatMapToLong(Arrays::stream)
        .toArray();
  }
}
