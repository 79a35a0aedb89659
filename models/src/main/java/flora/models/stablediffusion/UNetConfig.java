package flora.models.stablediffusion;

import flora.models.ModelConfig;
import flora.models.block.Activation;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;

/**
 * What {@code unet/config.json} says, with diffusers' defaults for what it leaves out.
 *
 * @param heads attention heads per down block, outermost first
 * @param contextSizes size of the text embedding per down block
 * @param transformerLayers transformer blocks in each spatial transformer, per down block
 * @param layers residual blocks per down block
 */
public record UNetConfig(
    int inChannels,
    int outChannels,
    List<Integer> channels,
    List<Boolean> downAttention,
    List<Boolean> upAttention,
    List<Integer> layers,
    List<Integer> heads,
    List<Integer> contextSizes,
    List<Integer> transformerLayers,
    List<Boolean> onlyCross,
    int groups,
    double eps,
    Activation activation,
    boolean scaleShift,
    boolean linearProjection,
    int downsamplePadding,
    double midBlockScale,
    boolean centerInput,
    boolean flipSinToCos,
    double frequencyShift,
    int timeSize,
    int inKernel,
    int outKernel,
    int sampleSize) {

  private static final String CROSS_DOWN = "CrossAttnDownBlock2D";
  private static final String CROSS_UP = "CrossAttnUpBlock2D";

  /**
   * Reads a configuration file.
   *
   * @throws flora.models.ModelException naming the key that is missing, damaged or not supported
   */
  public static UNetConfig read(Path file) {
    return of(ModelConfig.read(file));
  }

  /** Takes a configuration that was read already. */
  public static UNetConfig of(ModelConfig config) {
    refuseWhatIsNotHere(config);
    List<Integer> channels = config.integers("block_out_channels");
    if (channels.isEmpty()) {
      channels = List.of(320, 640, 1280, 1280);
    }
    int blocks = channels.size();
    String headKey =
        config.has("num_attention_heads") ? "num_attention_heads" : "attention_head_dim";
    return new UNetConfig(
        config.integer("in_channels", 4),
        config.integer("out_channels", 4),
        channels,
        attention(config, "down_block_types", CROSS_DOWN, "DownBlock2D", blocks, false),
        attention(config, "up_block_types", CROSS_UP, "UpBlock2D", blocks, true),
        perBlock(config, "layers_per_block", 2, blocks),
        perBlock(config, headKey, 8, blocks),
        perBlock(config, "cross_attention_dim", 1280, blocks),
        perBlock(config, "transformer_layers_per_block", 1, blocks),
        onlyCross(config, blocks),
        config.integer("norm_num_groups", 32),
        config.decimal("norm_eps", 1e-5),
        Activation.of(config, "act_fn", "silu"),
        config.text("resnet_time_scale_shift", "default").equals("scale_shift"),
        config.flag("use_linear_projection", false),
        config.integer("downsample_padding", 1),
        config.decimal("mid_block_scale_factor", 1),
        config.flag("center_input_sample", false),
        config.flag("flip_sin_to_cos", true),
        config.decimal("freq_shift", 0),
        config.integer("time_embedding_dim", 4 * channels.getFirst()),
        kernel(config, "conv_in_kernel"),
        kernel(config, "conv_out_kernel"),
        config.isList("sample_size")
            ? Collections.max(config.integers("sample_size"))
            : config.integer("sample_size", 64));
  }

  /** Channels of the residual blocks' common style. */
  ResnetBlock.Style resnets() {
    return new ResnetBlock.Style(timeSize, groups, eps, activation, scaleShift, 1);
  }

  /** The spatial transformers of down block {@code i}, and of its mirror image on the way up. */
  SpatialTransformer.Style transformers(int i) {
    return new SpatialTransformer.Style(
        channels.get(i),
        heads.get(i),
        transformerLayers.get(i),
        contextSizes.get(i),
        groups,
        linearProjection,
        onlyCross.get(i));
  }

  private static void refuseWhatIsNotHere(ModelConfig config) {
    config
        .only("_class_name", "UNet2DConditionModel")
        .only("mid_block_type", "UNetMidBlock2DCrossAttn")
        .only("resnet_time_scale_shift", "default", "scale_shift")
        .only("time_embedding_type", "positional")
        .only("attention_type", "default")
        .only("resnet_out_scale_factor", 1)
        .only("resnet_skip_time_act", false)
        .only("dual_cross_attention", false)
        .only("class_embeddings_concat", false)
        .only("dropout", 0)
        .absent("class_embed_type")
        .absent("num_class_embeds")
        .absent("projection_class_embeddings_input_dim")
        .absent("addition_embed_type")
        .absent("encoder_hid_dim")
        .absent("encoder_hid_dim_type")
        .absent("time_embedding_act_fn")
        .absent("timestep_post_act")
        .absent("time_cond_proj_dim")
        .absent("cross_attention_norm")
        .absent("reverse_transformer_layers_per_block");
  }

  private static List<Boolean> attention(
      ModelConfig config, String key, String with, String without, int blocks, boolean up) {
    List<String> types = config.texts(key);
    if (types.isEmpty() && blocks == 4) {
      return up ? List.of(false, true, true, true) : List.of(true, true, true, false);
    }
    if (types.size() != blocks) {
      throw config.unsupported(
          key, "supported: one for each of the " + blocks + " block_out_channels");
    }
    if (!types.stream().allMatch(type -> type.equals(with) || type.equals(without))) {
      throw config.unsupported(key, "supported: " + with + ", " + without);
    }
    return types.stream().map(type -> type.equals(with)).toList();
  }

  private static List<Integer> perBlock(ModelConfig config, String key, int absent, int blocks) {
    List<Integer> values =
        config.isList(key)
            ? config.integers(key)
            : Collections.nCopies(blocks, config.integer(key, absent));
    if (values.size() != blocks || values.stream().anyMatch(value -> value < 1)) {
      throw config.unsupported(
          key, "supported: a positive number, or one for each of the " + blocks + " blocks");
    }
    return List.copyOf(values);
  }

  private static List<Boolean> onlyCross(ModelConfig config, int blocks) {
    String key = "only_cross_attention";
    if (!config.isList(key)) {
      return Collections.nCopies(blocks, config.flag(key, false));
    }
    List<Boolean> values = config.flags(key);
    if (values.size() != blocks) {
      throw config.unsupported(
          key, "supported: true, false, or one for each of the " + blocks + " blocks");
    }
    return values;
  }

  private static int kernel(ModelConfig config, String key) {
    int kernel = config.integer(key, 3);
    if (kernel < 1 || kernel % 2 == 0) {
      throw config.unsupported(key, "supported: an odd size");
    }
    return kernel;
  }
}
