package flora.labeler.caption;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** How the text of a caption that is made is put together. */
public record CaptionRules(
    @Nullable String triggerWord,
    @Nullable String prefix,
    @Nullable String suffix,
    List<String> blacklist,
    Map<String, String> replace,
    int tokenLimit) {}
