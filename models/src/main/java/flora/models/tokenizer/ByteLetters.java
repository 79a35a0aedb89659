package flora.models.tokenizer;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** GPT-2's alphabet: every byte has a printable letter, so that a vocabulary is plain text. */
final class ByteLetters {

  private static final char[] LETTER = new char[256];
  private static final Map<Character, Byte> BYTE = new HashMap<>();

  static {
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      LETTER[b] = (char) (printable ? b : next++);
      BYTE.put(LETTER[b], (byte) b);
    }
  }

  private ByteLetters() {}

  /** All letters in the order of the alphabet: the printable bytes come first. */
  static List<String> alphabet() {
    return BYTE.keySet().stream().sorted().map(String::valueOf).toList();
  }

  /** The UTF-8 bytes of a text, one letter each. */
  static String encode(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    var letters = new StringBuilder(bytes.length);
    for (byte b : bytes) {
      letters.append(LETTER[b & 0xff]);
    }
    return letters.toString();
  }

  /** The text of these letters; bytes that are no UTF-8 become the replacement character. */
  static String decode(String letters) {
    byte[] bytes = new byte[letters.length()];
    int n = 0;
    for (int i = 0; i < letters.length(); i++) {
      Byte b = BYTE.get(letters.charAt(i));
      if (b != null) {
        bytes[n++] = b;
      }
    }
    return new String(bytes, 0, n, StandardCharsets.UTF_8);
  }
}
