package flora.trainer.export;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The fields of peft's {@code LoraConfig} that say how an adapter is applied, under the names that
 * peft has had since its first releases: every version can read them.
 */
final class LoraConfig {

  private static final JsonMapper PRETTY =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .changeDefaultPropertyInclusion(
              inclusion -> inclusion.withValueInclusion(JsonInclude.Include.ALWAYS))
          .build();

  private LoraConfig() {}

  /** The configuration as a JSON object with sorted keys, each behind a prefix. */
  static String json(Adapter adapter, String prefix, Map<String, ? extends @Nullable Object> more) {
    var fields = new TreeMap<String, @Nullable Object>();
    fields.put("alpha_pattern", Map.of());
    fields.put("bias", "none");
    fields.put("fan_in_fan_out", false);
    fields.put("init_lora_weights", true);
    fields.put("lora_alpha", whole(adapter.alpha()));
    fields.put("lora_dropout", adapter.dropout());
    fields.put("peft_type", "LORA");
    fields.put("r", adapter.rank());
    fields.put("rank_pattern", Map.of());
    fields.put("target_modules", targets(adapter));
    fields.put("use_dora", false);
    fields.put("use_rslora", false);
    fields.putAll(more);
    var prefixed = new TreeMap<String, @Nullable Object>();
    fields.forEach((name, value) -> prefixed.put(prefix + name, value));
    return PRETTY.writeValueAsString(prefixed).replace("\r\n", "\n");
  }

  /** peft declares alpha as a whole number, though it computes with any. */
  private static Object whole(double alpha) {
    if (alpha == Math.rint(alpha)) {
      return (long) alpha;
    }
    return alpha;
  }

  private static List<String> targets(Adapter adapter) {
    return new ArrayList<>(adapter.targets());
  }
}
