package flora.hub.plan;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Which paths somebody wants and which not, as {@code filter_repo_objects} of {@code
 * huggingface_hub} reads them: Unix shell patterns whose {@code *} also matches slashes; one that
 * ends with a slash means everything below. Upper and lower case differ.
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

  private static Pattern compile(String pattern) {
    return Fnmatch.compile(pattern.endsWith("/") ? pattern + "*" : pattern);
  }
}
