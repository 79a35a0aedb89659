package flora.models.singlefile;

import flora.models.clip.ClipTextConfig;
import flora.models.stablediffusion.UNetConfig;
import flora.models.stablediffusion.VaeConfig;
import flora.models.weights.KeyMap;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The keys of the files in which Stable Diffusion was first published (<a
 * href="https://github.com/CompVis/stable-diffusion">latent diffusion</a>), and which hold all
 * networks of a model: {@code model.diffusion_model.}, {@code first_stage_model.} and {@code
 * cond_stage_model.transformer.}
 *
 * <p>One entry for every tensor, walked through in the order of the network that the configuration
 * describes, so that both directions are exact.
 */
public final class LdmKeys implements KeyMap {
  static final String UNET = "model.diffusion_model.";
  static final String VAE = "first_stage_model.";
  static final String TEXT = "cond_stage_model.transformer.";

  /** Beside the text encoder's own tensors in some files, and used by no pipeline. */
  private static final Set<String> BESIDE_TEXT = Set.of("text_projection.weight", "logit_scale");

  private final String prefix;
  private final Map<String, String> storedOf = new LinkedHashMap<>();
  private final Map<String, String> keyOf = new HashMap<>();

  private LdmKeys(String prefix) {
    this.prefix = prefix;
  }

  /** The denoiser's. */
  public static LdmKeys unet(UNetConfig config) {
    var keys = new LdmKeys(UNET);
    new UNetKeys(config, keys).add();
    return keys;
  }

  /** The autoencoder's. */
  public static LdmKeys vae(VaeConfig config) {
    var keys = new LdmKeys(VAE);
    new VaeKeys(config, keys).add();
    return keys;
  }

  /** The text encoder's. */
  public static LdmKeys text(ClipTextConfig config) {
    return text(config, true);
  }

  /**
   * The text encoder's.
   *
   * @param named whether the file says {@code text_model.}, which the earliest did not
   */
  static LdmKeys text(ClipTextConfig config, boolean named) {
    var keys = new LdmKeys(TEXT);
    var model = "text_model.";
    var stored = named ? model : "";
    for (var table : List.of("token_embedding", "position_embedding")) {
      keys.put(
          model + "embeddings." + table + ".weight", stored + "embeddings." + table + ".weight");
    }
    for (int i = 0; i < config.layers(); i++) {
      for (var part :
          List.of(
              "layer_norm1",
              "self_attn.q_proj",
              "self_attn.k_proj",
              "self_attn.v_proj",
              "self_attn.out_proj",
              "layer_norm2",
              "mlp.fc1",
              "mlp.fc2")) {
        var name = "encoder.layers." + i + "." + part;
        keys.module(model + name, stored + name);
      }
    }
    keys.module(model + "final_layer_norm", stored + "final_layer_norm");
    return keys;
  }

  /** A layer with weight and bias. */
  void module(String module, String stored) {
    put(module + ".weight", stored + ".weight");
    put(module + ".bias", stored + ".bias");
  }

  /** A layer without bias. */
  void weight(String module, String stored) {
    put(module + ".weight", stored + ".weight");
  }

  private void put(String key, String stored) {
    if (storedOf.put(key, prefix + stored) != null || keyOf.put(prefix + stored, key) != null) {
      throw new IllegalStateException(key + " or " + stored + " is there twice");
    }
  }

  /** Every key of the network, in the order of its layers. */
  public Set<String> keys() {
    return Collections.unmodifiableSet(storedOf.keySet());
  }

  @Override
  public String stored(String key) {
    // the prefix, so that what the network does not have names nothing of another one
    return storedOf.getOrDefault(key, prefix + key);
  }

  @Override
  public Optional<String> key(String stored) {
    var key = keyOf.get(stored);
    if (key != null) {
      return Optional.of(key);
    }
    return stored.startsWith(prefix) && !BESIDE_TEXT.contains(stored.substring(prefix.length()))
        ? Optional.of(stored)
        : Optional.empty();
  }
}
