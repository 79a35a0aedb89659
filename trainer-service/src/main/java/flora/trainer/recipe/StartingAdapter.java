package flora.trainer.recipe;

import flora.models.ModelException;
import flora.models.lora.Lora;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraKeys.Network;
import flora.tensors.SafetensorsException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/** A file whose matrices a training begins with, in place of new ones. */
final class StartingAdapter {

  /** A layer's rank, and its alpha as trained. */
  private record Strength(int rank, double alpha) {
    boolean isThatOf(Strength other) {
      return rank == other.rank && Math.abs(alpha - other.alpha) <= 1e-4 * alpha;
    }

    @Override
    public String toString() {
      return "rank %d and alpha %s".formatted(rank, (float) alpha);
    }
  }

  private StartingAdapter() {}

  /**
   * Puts the file's matrices into adapters; one that the file has nothing for stays as it is.
   *
   * @param reference what the request calls the file
   * @param layers all that a network has
   * @throws RecipeException.AdapterUnfit when it has others than the adapters
   */
  static void load(
      Path file, String reference, List<Lora> adapters, Function<Network, Set<String>> layers) {
    try {
      var there = LoraFile.networks(file);
      for (var network : there) {
        if (adapters.stream().noneMatch(lora -> lora.network() == network)) {
          throw new RecipeException.AdapterUnfit(
              reference,
              "it is for the %s, too, which does not learn".formatted(network.word()),
              "write train_%s: true".formatted(network.word()));
        }
      }
      for (var lora : adapters) {
        if (there.contains(lora.network())) {
          load(file, reference, lora, layers.apply(lora.network()));
        }
      }
      if (there.isEmpty()) {
        throw new RecipeException.AdapterUnfit(reference, "it is no LoRA", "name another");
      }
    } catch (ModelException | SafetensorsException e) {
      var what = String.valueOf(e.getMessage()).replace(file.toString(), "the file");
      throw new RecipeException.AdapterUnfit(reference, what, "name a LoRA of this very model");
    }
  }

  private static void load(Path file, String reference, Lora lora, Set<String> layers) {
    var read = LoraFile.read(file, lora.network(), layers);
    var has = strengths(read);
    var wanted = new LinkedHashMap<String, Strength>();
    lora.layers().forEach(l -> wanted.put(l, new Strength(lora.rank(l), lora.alpha(l))));
    if (!has.keySet().equals(wanted.keySet())) {
      throw new RecipeException.AdapterUnfit(
          reference,
          "it changes %d layers of the %s, the request %d; only one of the two has %s"
              .formatted(has.size(), lora.network().word(), wanted.size(), difference(has, wanted)),
          "write the target modules that it was trained with, and conv_rank if it has one");
    }
    wanted.forEach(
        (layer, strength) -> {
          var other = has.get(layer);
          if (other == null || !strength.isThatOf(other)) {
            throw new RecipeException.AdapterUnfit(
                reference,
                "%s has %s, the request says %s".formatted(layer, other, strength),
                "write the rank and alpha that it was trained with");
          }
        });
    lora.load(read.state());
  }

  private static Map<String, Strength> strengths(LoraFile file) {
    var strengths = new LinkedHashMap<String, Strength>();
    var config = file.config();
    for (var group : config.groups()) {
      var strength = new Strength(group.rank(), config.scale(group) * group.rank());
      group.targets().forEach(layer -> strengths.put(layer, strength));
    }
    return strengths;
  }

  private static List<String> difference(Map<String, ?> one, Map<String, ?> other) {
    var all = new TreeSet<>(one.keySet());
    all.addAll(other.keySet());
    all.removeIf(layer -> one.containsKey(layer) && other.containsKey(layer));
    return all.stream().limit(3).toList();
  }
}
