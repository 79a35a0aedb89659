package flora.models.singlefile;

import flora.models.ModelConfig;
import flora.models.ModelException.Unsupported;
import flora.models.clip.ClipTextConfig;
import flora.models.stablediffusion.UNetConfig;
import flora.models.stablediffusion.VaeConfig;
import flora.tensors.Checkpoint;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a file with all networks of a Stable Diffusion 1 model holds, told by the names and shapes
 * of its tensors; none is read. What shapes do not tell is as in Stable Diffusion 1.5, but for
 * normalization groups, which are fewer where its 32 do not divide the channels.
 *
 * @param unet the denoiser
 * @param vae the autoencoder
 * @param text the text encoder
 * @param textModelNamed whether the text encoder's keys say {@code text_model.}
 * @param scheduler the noise schedule
 */
public record SingleFile(
    UNetConfig unet,
    VaeConfig vae,
    ClipTextConfig text,
    boolean textModelNamed,
    ModelConfig scheduler) {

  private static final JsonMapper JSON = JsonMapper.builder().build();
  private static final String ONE = "supported: a whole Stable Diffusion 1 model in one file";

  /** The marker by which some tools say that a model predicts velocities. */
  private static final String VELOCITY = "v_pred";

  /**
   * Reads the header.
   *
   * @throws Unsupported naming what the file is instead, or what it lacks
   */
  public static SingleFile of(Checkpoint file) {
    refuseOthers(file);
    boolean named = file.contains(LdmKeys.TEXT + "text_model.embeddings.token_embedding.weight");
    return new SingleFile(
        unet(file), vae(file), text(file, named ? "text_model." : ""), named, scheduler(file));
  }

  /** Whether a file has the keys of one that holds a whole model. */
  public static boolean isOne(Checkpoint file) {
    return file.names().stream().anyMatch(name -> name.startsWith(LdmKeys.UNET));
  }

  /** How the file calls the denoiser's tensors. */
  public LdmKeys unetKeys() {
    return LdmKeys.unet(unet);
  }

  /** How the file calls the autoencoder's tensors. */
  public LdmKeys vaeKeys() {
    return LdmKeys.vae(vae);
  }

  /** How the file calls the text encoder's tensors. */
  public LdmKeys textKeys() {
    return LdmKeys.text(text, textModelNamed);
  }

  private static void refuseOthers(Checkpoint file) {
    if (has(file, "lora_unet_") || has(file, "lora_te_") || has(file, "unet.")) {
      throw refused(file, "an adapter, not a model");
    }
    if (has(file, "conditioner.") || has(file, LdmKeys.UNET + "label_emb.")) {
      throw refused(file, "Stable Diffusion XL");
    }
    if (has(file, "cond_stage_model.model.")) {
      throw refused(file, "Stable Diffusion 2; in the layout of diffusers it is supported");
    }
    if (has(file, LdmKeys.UNET + "joint_blocks.") || has(file, LdmKeys.UNET + "double_blocks.")) {
      throw refused(file, "a diffusion transformer");
    }
    require(file, LdmKeys.UNET + "input_blocks.0.0.weight", "no denoiser");
    require(file, LdmKeys.VAE + "encoder.conv_in.weight", "no autoencoder");
    if (!has(file, LdmKeys.TEXT)) {
      throw refused(file, "no text encoder");
    }
  }

  private static UNetConfig unet(Checkpoint file) {
    var channels = new ArrayList<Integer>();
    var layers = new ArrayList<Integer>();
    var attention = new ArrayList<Boolean>();
    var depths = new ArrayList<Integer>();
    int context = 0;
    boolean linear = false;
    int inBlock = 0;
    boolean attended = false;
    int depth = 1;
    int out = size(file, UNET_IN, 0);
    for (int n = 1; ; n++) {
      var block = LdmKeys.UNET + "input_blocks." + n;
      boolean more = file.contains(block + ".0.in_layers.2.weight");
      if (more) {
        out = size(file, block + ".0.in_layers.2.weight", 0);
        inBlock++;
        if (file.contains(block + ".1.proj_in.weight")) {
          attended = true;
          linear = file.info(block + ".1.proj_in.weight").shape().size() == 2;
          depth = count(file, block + ".1.transformer_blocks.");
          context = size(file, block + ".1.transformer_blocks.0.attn2.to_k.weight", 1);
        }
        continue;
      }
      channels.add(out);
      layers.add(inBlock);
      attention.add(attended);
      depths.add(depth);
      inBlock = 0;
      attended = false;
      if (!file.contains(block + ".0.op.weight")) {
        break;
      }
    }
    if (context == 0) {
      throw refused(file, "a denoiser that sees no text");
    }
    var json = carried("unet.json");
    json.put("in_channels", size(file, UNET_IN, 1));
    json.put("out_channels", size(file, LdmKeys.UNET + "out.2.weight", 0));
    json.set("block_out_channels", JSON.valueToTree(channels));
    json.set("layers_per_block", JSON.valueToTree(layers));
    json.set("transformer_layers_per_block", JSON.valueToTree(depths));
    json.put("cross_attention_dim", context);
    json.put("use_linear_projection", linear);
    json.put("norm_num_groups", groups(channels));
    json.put("time_embedding_dim", size(file, LdmKeys.UNET + "time_embed.0.weight", 0));
    json.set("down_block_types", JSON.valueToTree(types(attention, "Down")));
    json.set("up_block_types", JSON.valueToTree(types(attention.reversed(), "Up")));
    return UNetConfig.of(config(file, json));
  }

  private static final String UNET_IN = LdmKeys.UNET + "input_blocks.0.0.weight";

  private static List<String> types(List<Boolean> attention, String way) {
    return attention.stream().map(with -> (with ? "CrossAttn" : "") + way + "Block2D").toList();
  }

  private static VaeConfig vae(Checkpoint file) {
    var encoder = LdmKeys.VAE + "encoder.";
    var channels = new ArrayList<Integer>();
    int blocks = count(file, encoder + "down.");
    for (int i = 0; i < blocks; i++) {
      channels.add(size(file, encoder + "down." + i + ".block.0.conv1.weight", 0));
    }
    int moments = size(file, encoder + "conv_out.weight", 0);
    var json = carried("vae.json");
    json.put("in_channels", size(file, encoder + "conv_in.weight", 1));
    json.put("out_channels", size(file, LdmKeys.VAE + "decoder.conv_out.weight", 0));
    json.put("latent_channels", moments / 2);
    json.set("block_out_channels", JSON.valueToTree(channels));
    json.put("norm_num_groups", groups(channels));
    json.put("layers_per_block", count(file, encoder + "down.0.block."));
    json.put("mid_block_add_attention", file.contains(encoder + "mid.attn_1.q.weight"));
    json.put("use_quant_conv", file.contains(LdmKeys.VAE + "quant_conv.weight"));
    json.put("use_post_quant_conv", file.contains(LdmKeys.VAE + "post_quant_conv.weight"));
    json.set(
        "down_block_types", JSON.valueToTree(Collections.nCopies(blocks, "DownEncoderBlock2D")));
    json.set("up_block_types", JSON.valueToTree(Collections.nCopies(blocks, "UpDecoderBlock2D")));
    return VaeConfig.of(config(file, json));
  }

  private static ClipTextConfig text(Checkpoint file, String model) {
    var prefix = LdmKeys.TEXT + model;
    var tokens = prefix + "embeddings.token_embedding.weight";
    int size = size(file, tokens, 1);
    var json = carried("text_encoder.json");
    json.put("vocab_size", size(file, tokens, 0));
    json.put("hidden_size", size);
    json.put("intermediate_size", size(file, prefix + "encoder.layers.0.mlp.fc1.weight", 0));
    json.put("num_hidden_layers", count(file, prefix + "encoder.layers."));
    // OpenAI's CLIPs have heads of 64
    json.put("num_attention_heads", Math.max(1, size / 64));
    json.put(
        "max_position_embeddings", size(file, prefix + "embeddings.position_embedding.weight", 0));
    return ClipTextConfig.of(config(file, json));
  }

  private static ModelConfig scheduler(Checkpoint file) {
    var json = carried("scheduler.json");
    if (file.contains(VELOCITY)) {
      json.put("prediction_type", "v_prediction");
    }
    return config(file, json);
  }

  private static int groups(List<Integer> channels) {
    var common = BigInteger.valueOf(32);
    for (int each : channels) {
      common = common.gcd(BigInteger.valueOf(each));
    }
    return common.intValue();
  }

  /** How many numbers follow a prefix, from 0 on. */
  private static int count(Checkpoint file, String prefix) {
    int n = 0;
    while (has(file, prefix + n + ".")) {
      n++;
    }
    return n;
  }

  private static boolean has(Checkpoint file, String prefix) {
    return file.names().stream().anyMatch(name -> name.startsWith(prefix));
  }

  private static int size(Checkpoint file, String name, int axis) {
    require(file, name, "no " + name);
    var shape = file.info(name).shape();
    if (axis >= shape.size()) {
      throw refused(file, "%s of shape %s".formatted(name, shape));
    }
    return Math.toIntExact(shape.get(axis));
  }

  private static void require(Checkpoint file, String name, String without) {
    if (!file.contains(name)) {
      throw refused(file, without);
    }
  }

  private static Unsupported refused(Checkpoint file, String found) {
    return new Unsupported(file.source(), "model", found, ONE);
  }

  private static ModelConfig config(Checkpoint file, ObjectNode json) {
    return ModelConfig.of(file.source(), json.toString());
  }

  private static ObjectNode carried(String name) {
    try (var in = SingleFile.class.getResourceAsStream("/flora/models/sd15/" + name)) {
      var text =
          new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
      return (ObjectNode) JSON.readTree(text);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
