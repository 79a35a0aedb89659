package flora.labeler.caption;

import flora.schemas.request.CaptionRules;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Puts the text of a caption together: trigger word, prefix, what the caption model said, tags,
 * suffix; pure.
 *
 * <p>First the replacements are made in caption and tags, then what is blacklisted goes: out of the
 * caption the phrase, of the tags every one that holds it. Then a tag goes that the caption says
 * already. Then, if the text has more tokens than the limit, whole tags go from the last on, then
 * words: of the caption, of the suffix, of the prefix; never the trigger word.
 */
public final class CaptionText {

  private static final String SEPARATORS = "[,;、，；]";
  private static final Pattern SPACE_BEFORE = Pattern.compile("\\s+(?=[,;、，；.:!?])");
  private static final Pattern SEVERAL = Pattern.compile("(" + SEPARATORS + ")(?:\\s*[,;、，；])+");
  private static final Pattern AT_START = Pattern.compile("^[\\s,;、，；.:]+");
  private static final Pattern AT_END = Pattern.compile("[\\s,;、，；]+$");
  private static final Pattern SPACES = Pattern.compile("\\s+");

  /**
   * A text.
   *
   * @param text blank when nothing is left
   * @param cutTokens how many tokens it lost to the limit
   */
  public record Assembled(String text, int cutTokens) {}

  /** What the text is made of, each possibly blank. */
  private record Parts(
      String trigger, String prefix, String caption, List<String> tags, String suffix) {

    String joined() {
      var parts = new ArrayList<String>();
      parts.add(trigger);
      parts.add(prefix);
      parts.add(caption);
      parts.addAll(tags);
      parts.add(suffix);
      parts.removeIf(String::isBlank);
      return String.join(", ", parts);
    }

    Parts withTags(int count) {
      return new Parts(trigger, prefix, caption, tags.subList(0, count), suffix);
    }

    Parts withCaption(String other) {
      return new Parts(trigger, prefix, other, tags, suffix);
    }

    Parts withSuffix(String other) {
      return new Parts(trigger, prefix, caption, tags, other);
    }

    Parts withPrefix(String other) {
      return new Parts(trigger, other, caption, tags, suffix);
    }
  }

  private final CaptionRules rules;
  private final @Nullable TokenCounter tokens;
  private final Phrases replaced;
  private final Phrases blacklist;

  /**
   * Rules.
   *
   * @param tokens null = no limit is kept
   */
  public CaptionText(CaptionRules rules, @Nullable TokenCounter tokens) {
    this.rules = rules;
    this.tokens = tokens;
    this.replaced = new Phrases(rules.replace().keySet());
    this.blacklist = new Phrases(rules.blacklist());
  }

  /**
   * The text for a picture.
   *
   * @param caption what the caption model said; null where there is none
   * @param tags chosen labels, in their order
   */
  public Assembled assemble(@Nullable String caption, List<String> tags) {
    var said = caption(strip(caption));
    var parts =
        new Parts(
            strip(rules.triggerWord()),
            strip(rules.prefix()),
            said,
            tags(tags, said),
            strip(rules.suffix()));
    return cut(parts);
  }

  private String caption(String text) {
    var changed = blacklist.replaced(replace(text), _ -> "");
    return changed.equals(text) ? text : tidy(changed);
  }

  private List<String> tags(List<String> labels, String caption) {
    Set<String> tags = new LinkedHashSet<>();
    for (var label : labels) {
      var tag = strip(replace(label));
      boolean said = new Phrases(List.of(tag)).in(caption);
      if (!tag.isEmpty() && !blacklist.in(tag) && !said) {
        tags.add(tag);
      }
    }
    return List.copyOf(tags);
  }

  private String replace(String text) {
    return replaced.replaced(text, phrase -> Objects.requireNonNull(rules.replace().get(phrase)));
  }

  /** Takes away what a phrase leaves behind that was taken out: separators, doubled spaces. */
  private static String tidy(String text) {
    var tidy = SPACES.matcher(text).replaceAll(" ");
    tidy = SPACE_BEFORE.matcher(tidy).replaceAll("");
    tidy = SEVERAL.matcher(tidy).replaceAll("$1");
    tidy = AT_START.matcher(tidy).replaceAll("");
    return AT_END.matcher(tidy).replaceAll("");
  }

  private Assembled cut(Parts whole) {
    var text = whole.joined();
    if (fits(text)) {
      return new Assembled(text, 0);
    }
    var parts = whole;
    for (int count = whole.tags().size() - 1; count >= 0 && !fits(parts.joined()); count--) {
      parts = whole.withTags(count);
    }
    var noTags = parts;
    parts = noTags.withCaption(shortened(noTags.caption(), c -> noTags.withCaption(c).joined()));
    var noCaption = parts;
    parts =
        noCaption.withSuffix(shortened(noCaption.suffix(), s -> noCaption.withSuffix(s).joined()));
    var noSuffix = parts;
    parts = noSuffix.withPrefix(shortened(noSuffix.prefix(), p -> noSuffix.withPrefix(p).joined()));
    var left = parts.joined();
    return new Assembled(left, count(text) - count(left));
  }

  /** The longest beginning of a part, in whole words, with which the text fits; may be empty. */
  private String shortened(String part, UnaryOperator<String> text) {
    if (fits(text.apply(part))) {
      return part;
    }
    var cuts = Phrases.cuts(part);
    int low = 0;
    int high = cuts.size();
    while (high - low > 1) {
      int middle = (low + high) >>> 1;
      if (fits(text.apply(beginning(part, cuts.get(middle))))) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return beginning(part, cuts.get(low));
  }

  private static String beginning(String part, int end) {
    return AT_END.matcher(part.substring(0, end)).replaceAll("");
  }

  private boolean fits(String text) {
    return tokens == null || rules.tokenLimit() == 0 || count(text) <= rules.tokenLimit();
  }

  private int count(String text) {
    return tokens == null ? 0 : tokens.count(text);
  }

  private static String strip(@Nullable String text) {
    return text == null ? "" : text.strip();
  }
}
