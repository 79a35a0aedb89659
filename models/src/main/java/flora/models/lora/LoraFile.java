package flora.models.lora;

import flora.models.ModelConfig;
import flora.models.ModelException.WeightsMismatch;
import flora.models.lora.LoraKeys.Network;
import flora.tensors.Checkpoint;
import flora.tensors.SafetensorsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * An adapter read from a file in whatever keys it bears.
 *
 * @param config rank and alpha as the file says them; targets are whole layer paths
 * @param state its matrices
 */
public record LoraFile(LoraConfig config, LoraState state) {

  /**
   * Reads the part of a file that is for a network.
   *
   * @param layers the paths of the network's layers
   * @throws WeightsMismatch when nothing in the file is for the network, a matrix has no partner,
   *     or the file has matrices for layers that the network lacks
   */
  public static LoraFile read(Path path, Network network, Collection<String> layers) {
    try (var file = Checkpoint.open(path)) {
      for (LoraKeys keys : LoraKeys.values()) {
        List<String> adapted =
            layers.stream().filter(layer -> file.contains(keys.a(network, layer))).toList();
        if (!adapted.isEmpty()) {
          return read(file, keys, network, adapted);
        }
      }
      throw new WeightsMismatch(
          "%s holds no matrices for this network; it begins with %s"
              .formatted(path, file.names().stream().sorted().limit(3).toList()));
    }
  }

  private static LoraFile read(
      Checkpoint file, LoraKeys keys, Network network, List<String> adapted) {
    var matrices = new LinkedHashMap<String, LoraState.Matrix>();
    Set<String> left = forNetwork(file, keys, network);
    var ranks = new HashSet<Long>();
    var alphas = new HashSet<Float>();
    for (String layer : adapted) {
      String a = keys.a(network, layer);
      String b = keys.b(network, layer);
      if (!file.contains(b)) {
        throw new WeightsMismatch(file.source() + " holds " + a + " but not " + b);
      }
      matrices.put(layer + LoraState.A, LoraState.Matrix.read(file, a));
      matrices.put(layer + LoraState.B, LoraState.Matrix.read(file, b));
      ranks.add(file.info(a).shape().getFirst());
      String alpha = LoraKeys.alpha(network, layer);
      if (file.contains(alpha)) {
        alphas.add(LoraState.Matrix.read(file, alpha).values()[0]);
      }
      left.removeAll(Arrays.asList(a, b, alpha));
    }
    if (!left.isEmpty()) {
      throw new WeightsMismatch(
          "%s holds matrices for layers that the network lacks: %s"
              .formatted(file.source(), left.stream().sorted().limit(4).toList()));
    }
    if (ranks.size() > 1 || alphas.size() > 1) {
      throw new WeightsMismatch(
          "%s mixes ranks %s or alphas %s; supported is one for all layers"
              .formatted(file.source(), ranks, alphas));
    }
    int rank = Math.toIntExact(ranks.iterator().next());
    double alpha =
        switch (keys) {
          case KOHYA -> alphas.isEmpty() ? rank : alphas.iterator().next();
          case PEFT -> alphaBeside(file.source(), rank);
          case DIFFUSERS, DIFFUSERS_PEFT -> alphaInHeader(file, network, rank);
        };
    return new LoraFile(new LoraConfig(rank, alpha, 0, adapted), new LoraState(matrices));
  }

  /** peft tells alpha in {@code adapter_config.json}, in the same folder. */
  private static double alphaBeside(Path file, int rank) {
    Path config = file.resolveSibling("adapter_config.json");
    return Files.exists(config) ? ModelConfig.read(config).decimal("lora_alpha", rank) : rank;
  }

  /** diffusers' keys hold no alpha; its newer files tell it in the header. */
  private static double alphaInHeader(Checkpoint file, Network network, int rank) {
    String key =
        switch (network) {
          case UNET -> "unet.lora_alpha";
          case TEXT_ENCODER -> "text_encoder.lora_alpha";
        };
    for (SafetensorsFile each : file.files()) {
      String json = each.metadata().get("lora_adapter_metadata");
      if (json != null) {
        return ModelConfig.of(each.path(), json).decimal(key, rank);
      }
    }
    return rank;
  }

  private static Set<String> forNetwork(Checkpoint file, LoraKeys keys, Network network) {
    String some = keys.a(network, "");
    String prefix =
        switch (keys) {
          case PEFT -> "base_model.model.";
          case KOHYA -> some.substring(0, some.indexOf(".lora_down"));
          case DIFFUSERS, DIFFUSERS_PEFT -> some.substring(0, some.indexOf('.') + 1);
        };
    return file.names().stream()
        .filter(name -> name.startsWith(prefix))
        .collect(Collectors.toCollection(HashSet::new));
  }
}
