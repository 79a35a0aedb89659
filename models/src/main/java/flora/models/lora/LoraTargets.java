package flora.models.lora;

import flora.models.ModelException.TargetsUnknown;
import flora.models.weights.AdaptableLayer;
import java.util.Collection;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Chooses layers by name as peft does: a target is a layer's whole path or the end of it after a
 * dot, so {@code to_q} means every {@code ….attn1.to_q} and {@code ….attn2.to_q}.
 *
 * <p>A word stands for several targets, of which one at least must be there: {@link #ATTENTION},
 * {@link #TRANSFORMER}, {@link #CONVOLUTIONS} and {@link #KERNELS}. These are the sets of
 * sd-scripts' {@code networks.lora}, for the UNet and for the text encoder.
 */
public final class LoraTargets {
  /** The projections of attention. */
  public static final String ATTENTION = "attention";

  /** Attention, feed-forward, and the projections around a transformer. */
  public static final String TRANSFORMER = "transformer";

  /** All layers of residual blocks and of samplers. */
  public static final String CONVOLUTIONS = "convolutions";

  /** Those of {@link #CONVOLUTIONS} with kernels larger than 1×1. */
  public static final String KERNELS = "kernels";

  private static final List<String> PROJECTIONS =
      List.of("to_q", "to_k", "to_v", "to_out.0", "q_proj", "k_proj", "v_proj", "out_proj");
  private static final List<String> WITH_KERNEL =
      List.of("conv1", "conv2", "downsamplers.0.conv", "upsamplers.0.conv");
  private static final Map<String, List<String>> WORDS =
      Map.of(
          ATTENTION,
          PROJECTIONS,
          TRANSFORMER,
          with(PROJECTIONS, "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "fc1", "fc2"),
          CONVOLUTIONS,
          with(WITH_KERNEL, "conv_shortcut", "time_emb_proj"),
          KERNELS,
          WITH_KERNEL);

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

  /**
   * The layers of all groups with the last group that names each, in the network's order.
   *
   * @throws TargetsUnknown as {@link #resolve}
   */
  static Map<String, LoraGroup> groups(Map<String, AdaptableLayer> layers, List<LoraGroup> groups) {
    var found = new HashMap<String, LoraGroup>();
    for (LoraGroup group : groups) {
      resolve(layers, group.targets()).keySet().forEach(name -> found.put(name, group));
    }
    var ordered = new LinkedHashMap<String, LoraGroup>();
    for (String name : layers.keySet()) {
      LoraGroup group = found.get(name);
      if (group != null) {
        ordered.put(name, group);
      }
    }
    return ordered;
  }

  private static boolean names(String target, String layer) {
    return layer.equals(target)
        || layer.endsWith("." + target)
        || WORDS.getOrDefault(target, List.of()).stream().anyMatch(end -> names(end, layer));
  }

  private static List<String> with(List<String> targets, String... more) {
    return Stream.concat(targets.stream(), Stream.of(more)).toList();
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
