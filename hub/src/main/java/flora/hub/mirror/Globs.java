package flora.hub.mirror;

import java.util.regex.Pattern;

/** Patterns of repository names: {@code *} is any text, {@code ?} one character. */
final class Globs {

  private Globs() {}

  static boolean matches(String glob, String text) {
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); i++) {
      char c = glob.charAt(i);
      switch (c) {
        case '*' -> regex.append(".*");
        case '?' -> regex.append('.');
        default -> regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.matches(regex.toString(), text);
  }
}
