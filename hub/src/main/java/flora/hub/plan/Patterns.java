package flora.hub.plan;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Which paths somebody wants and which not, as {@code filter_repo_objects} of {@code
 * huggingface_hub} reads them: Unix shell patterns whose {@code *} also matches slashes; one that
 * ends with a slash means everything below.
 */
public final class Patterns {

  /** No wish: whatever is needed. */
  public static final Patterns NONE = new Patterns(List.of(), List.of());

  private final List<Pattern> allow;
  private final List<Pattern> ignore;

  /**
   * @param allow a path must match one of these; empty = any does
   * @param ignore a path must match none of these
   */
  public Patterns(List<String> allow, List<String> ignore) {
    this.allow = allow.stream().map(Patterns::compile).toList();
    this.ignore = ignore.stream().map(Patterns::compile).toList();
  }

  /** Whether somebody said which files, so that need does not. */
  boolean choose() {
    return !allow.isEmpty();
  }

  boolean admit(String path) {
    return (allow.isEmpty() || allow.stream().anyMatch(p -> p.matcher(path).matches()))
        && ignore.stream().noneMatch(p -> p.matcher(path).matches());
  }

  /** The regular expression that Python's {@code fnmatch.translate} makes. */
  private static Pattern compile(String pattern) {
    var glob = pattern.endsWith("/") ? pattern + "*" : pattern;
    var regex = new StringBuilder();
    for (int i = 0; i < glob.length(); ) {
      char c = glob.charAt(i++);
      int close = c == '[' ? closing(glob, i) : -1;
      if (c == '*') {
        regex.append(".*");
      } else if (c == '?') {
        regex.append('.');
      } else if (close >= 0) {
        regex.append(set(glob.substring(i, close)));
        i = close + 1;
      } else {
        regex.append(Pattern.quote(String.valueOf(c)));
      }
    }
    return Pattern.compile(regex.toString(), Pattern.DOTALL);
  }

  /** Where a set ends that begins at {@code from}; -1 for a bracket that stands for itself. */
  private static int closing(String glob, int from) {
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
    boolean not = body.startsWith("!");
    var content = not ? body.substring(1) : body;
    var regex = new StringBuilder(not ? "[^" : "[");
    for (int i = 0; i < content.length(); i++) {
      char c = content.charAt(i);
      boolean range = c == '-' && i > 0 && i < content.length() - 1;
      if (range && content.charAt(i - 1) > content.charAt(i + 1)) {
        // a range that runs backwards holds nothing
        return not ? "." : "(?!)";
      }
      regex.append(range || Character.isLetterOrDigit(c) ? "" : "\\").append(c);
    }
    return regex.append(']').toString();
  }
}
