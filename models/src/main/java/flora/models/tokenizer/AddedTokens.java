package flora.models.tokenizer;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds tokens that are taken as a whole: the leftmost, and of those at one place the longest. */
final class AddedTokens {

  private final Map<String, Integer> ids;
  private final @Nullable Pattern pattern;

  AddedTokens(Map<String, Integer> ids) {
    this.ids = Map.copyOf(ids);
    List<String> longestFirst =
        ids.keySet().stream()
            .sorted(Comparator.comparingInt(String::length).reversed().thenComparing(t -> t))
            .toList();
    pattern =
        ids.isEmpty()
            ? null
            : Pattern.compile(
                longestFirst.stream().map(Pattern::quote).collect(Collectors.joining("|")));
  }

  /** Hands on, in the order of the text, the ids of the tokens found and the text between them. */
  void split(String text, Consumer<String> between, IntConsumer token) {
    int from = 0;
    if (pattern != null) {
      Matcher matcher = pattern.matcher(text);
      while (matcher.find()) {
        if (matcher.start() > from) {
          between.accept(text.substring(from, matcher.start()));
        }
        token.accept(ids.getOrDefault(matcher.group(), 0));
        from = matcher.end();
      }
    }
    if (from < text.length()) {
      between.accept(text.substring(from));
    }
  }
}
