package flora.hub.mirror;

import flora.hub.Site;
import java.net.URI;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Public mirrors of the official hub. hf-mirror.com has the hub's own paths ({@code
 * padeoe/hf-mirror-site}; from some countries it redirects to the hub with 308). modelscope.cn has
 * its own API and keeps copies of many owners' repositories under {@code AI-ModelScope} and {@code
 * LLM-Research}.
 */
final class WellKnownMirrors {

  private static final int RANK = 200;

  /** Owners that publish on ModelScope themselves under the name they have on the hub. */
  private static final List<String> SAME =
      List.of(
          "Qwen", "deepseek-ai", "OpenGVLab", "openbmb", "iic", "AI-ModelScope", "LLM-Research");

  private WellKnownMirrors() {}

  static List<Mirror> all() {
    var owners = new HashMap<String, String>();
    SAME.forEach(owner -> owners.put(owner, owner));
    owners.put("meta-llama", "LLM-Research");
    owners.put("*", "AI-ModelScope");
    return List.of(
        mirror("hf-mirror", Site.Kind.HUGGINGFACE, "https://hf-mirror.com", Map.of(), RANK),
        mirror("modelscope", Site.Kind.MODELSCOPE, "https://modelscope.cn", owners, RANK + 10));
  }

  private static Mirror mirror(
      String name, Site.Kind kind, String endpoint, Map<String, String> owners, int rank) {
    @Nullable String none = null;
    return new Mirror(
        name,
        kind,
        URI.create(endpoint),
        none,
        none,
        Map.of(),
        none,
        owners,
        Map.of(),
        rank,
        true,
        16,
        List.of());
  }
}
