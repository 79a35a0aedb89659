package flora.models.lora;

import flora.models.ModelException.TargetsUnknown;
import flora.models.weights.AdaptableLayer;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Chooses layers by name as peft does: a target is a layer's whole path or the end of it after a
 * dot, so {@code to_q} means every {@code ….attn1.to_q} and {@code ….attn2.to_q}.
 */
public final class LoraTargets {
  private static final Pattern NUMBER = Pattern.compile("\\d+");

  private LoraTargets() {}

  /**
   * The layers that the targets name, in the network's order.
   *
   * @throws TargetsUnknown when a target names none; the message lists what there is
   */
  public static Map<String, AdaptableLayer> resolve(
      Map<String, AdaptableLayer> layers, Collection<String> targets) {
    for (String target : targets) {
      if (layers.keySet().stream().noneMatch(name -> names(target, name))) {
        throw unknown(target, layers);
      }
    }
    if (targets.isEmpty()) {
      throw new TargetsUnknown("no target modules are named; there are " + endings(layers));
    }
    var chosen = new LinkedHashMap<String, AdaptableLayer>();
    layers.forEach(
        (name, layer) -> {
          if (targets.stream().anyMatch(target -> names(target, name))) {
            chosen.put(name, layer);
          }
        });
    return chosen;
  }

  private static boolean names(String target, String layer) {
    return layer.equals(target) || layer.endsWith("." + target);
  }

  private static TargetsUnknown unknown(String target, Map<String, AdaptableLayer> layers) {
    return new TargetsUnknown(
        "target module %s matches 0 modules; there are %s".formatted(target, endings(layers)));
  }

  /** The last part of each path; where that is a number, enough parts to say something. */
  private static List<String> endings(Map<String, AdaptableLayer> layers) {
    var endings = new TreeSet<String>();
    for (String name : layers.keySet()) {
      int dot = name.lastIndexOf('.');
      while (dot >= 0 && NUMBER.matcher(first(name.substring(dot + 1))).matches()) {
        dot = name.lastIndexOf('.', dot - 1);
      }
      endings.add(name.substring(dot + 1));
    }
    return List.copyOf(endings);
  }

  private static String first(String path) {
    int dot = path.indexOf('.');
    return dot < 0 ? path : path.substring(0, dot);
  }
}
