package flora.trainer.export;

import com.fasterxml.jackson.annotation.JsonInclude;
import flora.models.lora.LoraGroup;
import flora.models.lora.LoraTargets;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * The fields of peft's {@code LoraConfig} that say how an adapter is applied, under the names that
 * peft has had since its first releases: every version can read them.
 */
final class PeftSettings {

  private static final JsonMapper PRETTY =
      JsonMapper.builder()
          .enable(SerializationFeature.INDENT_OUTPUT)
          .changeDefaultPropertyInclusion(
              inclusion -> inclusion.withValueInclusion(JsonInclude.Include.ALWAYS))
          .build();

  private static final Set<String> WORDS =
      Set.of(
          LoraTargets.ATTENTION,
          LoraTargets.TRANSFORMER,
          LoraTargets.CONVOLUTIONS,
          LoraTargets.KERNELS);

  private PeftSettings() {}

  /** As peft reads them; where layers differ, those of the first group stand for all others. */
  static SortedMap<String, @Nullable Object> of(
      Adapter.Part part, Map<String, ? extends @Nullable Object> more) {
    var fields = new TreeMap<String, @Nullable Object>(of(part, part.config().rankStabilized()));
    fields.putAll(more);
    return fields;
  }

  /** As any program reads them: alpha / rank is the scale, whatever the rule of the training. */
  static SortedMap<String, @Nullable Object> folded(Adapter.Part part) {
    return of(part, false);
  }

  private static SortedMap<String, @Nullable Object> of(Adapter.Part part, boolean rankStabilized) {
    var config = part.config();
    var group = config.groups().getFirst();
    double common = rankStabilized ? group.alpha() : config.scale(group) * group.rank();
    var ranks = new TreeMap<String, Object>();
    var alphas = new TreeMap<String, Object>();
    for (var pair : part.pairs()) {
      double alpha = rankStabilized ? untold(part, pair) : pair.alpha();
      if (pair.rank() != group.rank()) {
        ranks.put(pair.module(), pair.rank());
      }
      if (alpha != common) {
        alphas.put(pair.module(), whole(alpha));
      }
    }
    var fields = new TreeMap<String, @Nullable Object>();
    fields.put("alpha_pattern", alphas);
    fields.put("bias", "none");
    fields.put("fan_in_fan_out", false);
    fields.put("init_lora_weights", true);
    fields.put("lora_alpha", whole(common));
    fields.put("lora_dropout", config.dropout());
    fields.put("peft_type", "LORA");
    fields.put("r", group.rank());
    fields.put("rank_pattern", ranks);
    fields.put("target_modules", targets(part));
    fields.put("use_dora", false);
    fields.put("use_rslora", rankStabilized);
    return fields;
  }

  static String json(SortedMap<String, ? extends @Nullable Object> fields) {
    return PRETTY.writeValueAsString(fields).replace("\r\n", "\n");
  }

  /** The alpha as it was said, before the rule by which peft makes a scale of it. */
  private static double untold(Adapter.Part part, Adapter.Pair pair) {
    var config = part.config();
    for (LoraGroup group : config.groups()) {
      if (group.rank() == pair.rank() && config.scale(group) * group.rank() == pair.alpha()) {
        return group.alpha();
      }
    }
    return pair.alpha() / Math.sqrt(pair.rank());
  }

  /** peft declares alpha as a whole number, though it computes with any. */
  private static Object whole(double alpha) {
    if (alpha == Math.rint(alpha)) {
      return (long) alpha;
    }
    return alpha;
  }

  /** peft knows no words for several names: where one was used, every layer is named. */
  private static List<String> targets(Adapter.Part part) {
    var targets = part.config().targets();
    return targets.stream().anyMatch(WORDS::contains)
        ? part.pairs().stream().map(Adapter.Pair::module).toList()
        : targets.stream().sorted().toList();
  }
}
