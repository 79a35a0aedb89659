package flora.schemas.request;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How the text of a caption that is made is put together.
 *
 * @param triggerWord the very first words of the caption
 * @param prefix stands after the trigger word
 * @param suffix stands at the end
 * @param blacklist words and phrases that are left out
 * @param replace words and phrases, and what stands in their place
 * @param tokenLimit the longest caption in tokens of CLIP, the two that frame it included; 0 = none
 */
public record CaptionRules(
    @Nullable String triggerWord,
    @Nullable String prefix,
    @Nullable String suffix,
    List<String> blacklist,
    Map<String, String> replace,
    int tokenLimit) {

  /** What a text encoder of CLIP can read. */
  public static final int CLIP_TOKENS = 77;

  /** Nothing is added, taken away or replaced; cut at what CLIP can read. */
  public static final CaptionRules PLAIN = trigger(null);

  public CaptionRules {
    blacklist = List.copyOf(blacklist);
    replace = Collections.unmodifiableMap(new LinkedHashMap<>(replace));
  }

  /** A trigger word alone. */
  public static CaptionRules trigger(@Nullable String word) {
    return new CaptionRules(word, null, null, List.of(), Map.of(), CLIP_TOKENS);
  }
}
