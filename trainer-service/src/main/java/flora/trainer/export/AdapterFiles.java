package flora.trainer.export;

import flora.models.ModelConfig;
import flora.models.ModelException.FileMissing;
import flora.models.ModelException.WeightsMismatch;
import flora.models.clip.ClipTextConfig;
import flora.models.lora.LoraFile;
import flora.models.lora.LoraKeys.Network;
import flora.models.singlefile.LdmKeys;
import flora.models.singlefile.SingleFile;
import flora.models.stablediffusion.UNetConfig;
import flora.models.weights.KeyMap;
import flora.tensors.Checkpoint;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Adapters as they lie on disk: a file for all networks, or peft's folder for each. */
public final class AdapterFiles {
  private static final String WEIGHT = ".weight";

  private AdapterFiles() {}

  /**
   * Reads an adapter in whatever keys it bears.
   *
   * @param path a file, a folder with one, or a folder with {@code unet/} or {@code text_encoder/}
   * @param layers the paths of the networks' layers
   * @throws flora.models.ModelException naming the file and what is wrong with it
   */
  public static Adapter read(Path path, Map<Network, ? extends Collection<String>> layers) {
    var parts = new ArrayList<Adapter.Part>();
    for (var file : files(path)) {
      for (var network : LoraFile.networks(file)) {
        var known = layers.get(network);
        if (known == null) {
          throw new WeightsMismatch(
              file + " is for the " + network.word() + ", the model has none");
        }
        parts.add(Adapter.Part.of(network, LoraFile.read(file, network, known)));
      }
    }
    if (parts.isEmpty()) {
      throw new WeightsMismatch(path + " holds no matrices of an adapter");
    }
    return new Adapter(parts);
  }

  /** The files of an adapter. */
  static List<Path> files(Path path) {
    if (!Files.exists(path)) {
      throw new FileMissing(path, "expected an adapter's .safetensors file or peft's folder");
    }
    var files = new ArrayList<Path>();
    for (var network : Network.values()) {
      var part = path.resolve(network.word()).resolve(PeftFolder.MODEL);
      if (Files.exists(part)) {
        files.add(part);
      }
    }
    if (files.isEmpty()) {
      try (var file = Checkpoint.open(path)) {
        files.add(file.source());
      }
    }
    return List.copyOf(files);
  }

  /** The layers of a model, a folder in diffusers' layout or a single file. */
  public static Map<Network, List<String>> layers(Path model) {
    var layers = new EnumMap<Network, List<String>>(Network.class);
    if (Files.isDirectory(model)) {
      for (var network : Network.values()) {
        try (var weights = Checkpoint.open(model.resolve(network.word()))) {
          layers.put(network, layers(weights.names()));
        }
      }
    } else {
      try (var file = Checkpoint.open(model)) {
        var single = SingleFile.of(file);
        layers.put(Network.UNET, layers(single.unetKeys().keys()));
        layers.put(Network.TEXT_ENCODER, layers(single.textKeys().keys()));
      }
    }
    return layers;
  }

  /** The layers of Stable Diffusion 1 and 2, which differ in sizes and in the text's depth. */
  public static Map<Network, List<String>> usualLayers() {
    var unet = UNetConfig.of(ModelConfig.of(Path.of("unet"), "{}"));
    var text =
        ClipTextConfig.of(ModelConfig.of(Path.of("text_encoder"), "{\"num_hidden_layers\": 32}"));
    return Map.of(
        Network.UNET, layers(LdmKeys.unet(unet).keys()),
        Network.TEXT_ENCODER, layers(LdmKeys.text(text).keys()));
  }

  /** How a model's file calls the tensors of a network. */
  public static KeyMap keys(SingleFile file, Network network) {
    return switch (network) {
      case UNET -> file.unetKeys();
      case TEXT_ENCODER -> file.textKeys();
    };
  }

  private static List<String> layers(Collection<String> keys) {
    return keys.stream()
        .filter(key -> key.endsWith(WEIGHT))
        .map(key -> key.substring(0, key.length() - WEIGHT.length()))
        .toList();
  }
}
