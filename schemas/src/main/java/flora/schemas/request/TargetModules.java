package flora.schemas.request;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;

/** The layers of a UNet that get an adapter, by the names that diffusers gives them. */
final class TargetModules {

  private static final List<String> ATTENTION = List.of("to_q", "to_k", "to_v", "to_out.0");

  /** What articles write, and what they mean. */
  private static final Map<String, List<String>> ALIASES =
      Map.of(
          "attn.down",
          ATTENTION,
          "attn.up",
          ATTENTION,
          "q_proj",
          List.of("to_q"),
          "v_proj",
          List.of("to_v"));

  private TargetModules() {}

  /** Resolves aliases, keeps the order, drops repetitions; says in {@code warnings} what it did. */
  static List<String> resolve(List<String> written, List<String> warnings) {
    var names = new LinkedHashSet<String>();
    var replaced = new ArrayList<String>();
    for (var name : written) {
      var meant = ALIASES.get(name);
      names.addAll(meant == null ? List.of(name) : meant);
      if (meant != null) {
        replaced.add("%s as %s".formatted(name, String.join(",", meant)));
      }
    }
    if (!replaced.isEmpty()) {
      warnings.add(
          "target_modules: a UNet has no layers of these names; read "
              + String.join("; ", replaced));
    }
    return List.copyOf(names);
  }
}
