package flora.models.lora;

import flora.models.ModelConfig;
import flora.models.ModelException.Unsupported;
import flora.models.ModelException.WeightsMismatch;
import flora.models.lora.LoraKeys.Network;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * An adapter read from a file in whatever keys it bears.
 *
 * @param config ranks and alphas as the file says them; targets are whole layer paths
 * @param state its matrices
 * @param metadata what stands in the file's header besides
 */
public record LoraFile(LoraConfig config, LoraState state, Map<String, String> metadata) {
  /** Parts of keys that say that more than two matrices are multiplied, and what writes them. */
  private static final Map<String, String> FOREIGN =
      Map.of(
          ".lora_mid.", "LoCon with a third matrix",
          ".hada_", "LoHa",
          ".lokr_", "LoKr",
          ".dora_scale", "DoRA",
          ".lora_magnitude_vector", "DoRA");

  private record Strength(int rank, double alpha) {}

  public LoraFile {
    metadata = Map.copyOf(metadata);
  }

  /**
   * Reads the part of a file that is for a network.
   *
   * @param layers the paths of the network's layers
   * @throws WeightsMismatch when nothing in the file is for the network, a matrix has no partner,
   *     or the file has matrices for layers that the network lacks
   * @throws Unsupported when it is an adapter of another kind
   */
  public static LoraFile read(Path path, Network network, Collection<String> layers) {
    try (var file = Checkpoint.open(path)) {
      requireLora(file);
      Map<String, String> names = names(file);
      for (LoraKeys keys : LoraKeys.values()) {
        List<String> adapted =
            layers.stream().filter(layer -> names.containsKey(keys.a(network, layer))).toList();
        if (!adapted.isEmpty()) {
          return new Reading(file, names, keys, network).of(adapted);
        }
      }
      throw new WeightsMismatch(
          "%s holds no matrices for this network; it begins with %s"
              .formatted(path, names.keySet().stream().sorted().limit(3).toList()));
    }
  }

  /**
   * What a file adapts.
   *
   * @throws Unsupported when it is an adapter of another kind
   */
  public static Set<Network> networks(Path path) {
    try (var file = Checkpoint.open(path)) {
      requireLora(file);
      var networks = EnumSet.noneOf(Network.class);
      for (String name : names(file).keySet()) {
        if (name.startsWith(LoraKeys.PEFT.prefix(Network.UNET))) {
          networks.add(name.contains(".text_model.") ? Network.TEXT_ENCODER : Network.UNET);
        }
        for (Network network : Network.values()) {
          if (name.startsWith(LoraKeys.KOHYA.prefix(network))
              || name.startsWith(LoraKeys.DIFFUSERS.prefix(network))) {
            networks.add(network);
          }
        }
      }
      return networks;
    }
  }

  /**
   * The keys as they would usually be called, with what the file calls them: programs for SDXL
   * number the text encoder also where there is one only.
   */
  private static Map<String, String> names(Checkpoint file) {
    return file.names().stream()
        .collect(
            Collectors.toMap(
                name -> name.startsWith("lora_te1_") ? "lora_te_" + name.substring(9) : name,
                name -> name));
  }

  private static void requireLora(Checkpoint file) {
    for (String name : file.names()) {
      FOREIGN.forEach(
          (part, kind) -> {
            if (name.contains(part)) {
              throw new Unsupported(
                  file.source(), name, kind, "an adapter has LoRA's two matrices for each layer");
            }
          });
    }
  }

  /** One reading of a file in known keys. */
  private record Reading(
      Checkpoint file, Map<String, String> names, LoraKeys keys, Network network) {

    LoraFile of(List<String> adapted) {
      var matrices = new LinkedHashMap<String, LoraState.Matrix>();
      var strengths = new LinkedHashMap<Strength, List<String>>();
      Set<String> left = forNetwork();
      Optional<ModelConfig> told = told();
      String prefix = keys == LoraKeys.PEFT ? "" : network.word() + ".";
      for (String layer : adapted) {
        String a = keys.a(network, layer);
        String b = keys.b(network, layer);
        if (!names.containsKey(b)) {
          throw new WeightsMismatch(file.source() + " holds " + a + " but not " + b);
        }
        matrices.put(layer + LoraState.A, read(a));
        matrices.put(layer + LoraState.B, read(b));
        int rank = Math.toIntExact(file.info(stored(a)).shape().getFirst());
        String key = LoraKeys.alpha(network, layer);
        double alpha =
            names.containsKey(key)
                ? read(key).values()[0]
                : told.map(config -> alpha(config, prefix, layer, rank)).orElse((double) rank);
        strengths.computeIfAbsent(new Strength(rank, alpha), _ -> new ArrayList<>()).add(layer);
        left.removeAll(Arrays.asList(a, b, key));
      }
      if (!left.isEmpty()) {
        throw new WeightsMismatch(
            "%s holds matrices for layers that the network lacks: %s"
                .formatted(file.source(), left.stream().sorted().limit(4).toList()));
      }
      var groups = new ArrayList<LoraGroup>();
      strengths.forEach(
          (strength, layers) ->
              groups.add(new LoraGroup(layers, strength.rank(), strength.alpha())));
      boolean rankStabilized =
          told.map(config -> config.flag(prefix + "use_rslora", false)).orElse(false);
      return new LoraFile(
          new LoraConfig(groups, 0, rankStabilized), new LoraState(matrices), metadata());
    }

    private LoraState.Matrix read(String key) {
      return LoraState.Matrix.read(file, stored(key));
    }

    private String stored(String key) {
      String name = names.get(key);
      if (name == null) {
        throw new WeightsMismatch(file.source() + " lacks " + key);
      }
      return name;
    }

    private Set<String> forNetwork() {
      return names.keySet().stream()
          .filter(name -> name.startsWith(keys.prefix(network)))
          .collect(Collectors.toCollection(HashSet::new));
    }

    /** peft tells alpha in a file beside, diffusers in the header; older files nowhere. */
    private Optional<ModelConfig> told() {
      return switch (keys) {
        case KOHYA -> Optional.empty();
        case PEFT -> {
          Path config = file.source().resolveSibling("adapter_config.json");
          yield Files.exists(config) ? Optional.of(ModelConfig.read(config)) : Optional.empty();
        }
        case DIFFUSERS, DIFFUSERS_PEFT ->
            Optional.ofNullable(metadata().get("lora_adapter_metadata"))
                .map(json -> ModelConfig.of(file.source(), json));
      };
    }

    /** As peft finds it: an own one for a layer's path or the end of it, or that of all. */
    private static double alpha(ModelConfig config, String prefix, String layer, int rank) {
      ModelConfig own = config.object(prefix + "alpha_pattern");
      for (String end : own.keys()) {
        if (layer.equals(end) || layer.endsWith("." + end)) {
          return own.decimal(end);
        }
      }
      return config.decimal(prefix + "lora_alpha", rank);
    }

    private Map<String, String> metadata() {
      var metadata = new TreeMap<String, String>();
      for (SafetensorsFile each : file.files()) {
        metadata.putAll(each.metadata());
      }
      return metadata;
    }
  }
}
