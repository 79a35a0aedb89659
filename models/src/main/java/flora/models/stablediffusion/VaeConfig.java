package flora.models.stablediffusion;

import flora.models.ModelConfig;
import flora.models.block.Activation;
import java.nio.file.Path;
import java.util.List;

/**
 * What {@code vae/config.json} says, with diffusers' defaults for what it leaves out.
 *
 * @param channels per block of the encoder, outermost first
 * @param scalingFactor multiplies latents on the way to the UNet
 * @param shiftFactor is subtracted from latents before that
 */
public record VaeConfig(
    int inChannels,
    int outChannels,
    int latentChannels,
    List<Integer> channels,
    int layers,
    int groups,
    Activation activation,
    double scalingFactor,
    double shiftFactor,
    boolean midAttention,
    boolean quantConv,
    boolean postQuantConv) {

  /**
   * Reads a configuration file.
   *
   * @throws flora.models.ModelException naming the key that is missing, damaged or not supported
   */
  public static VaeConfig read(Path file) {
    return of(ModelConfig.read(file));
  }

  /** Takes a configuration that was read already. */
  public static VaeConfig of(ModelConfig config) {
    config.only("_class_name", "AutoencoderKL").absent("latents_mean").absent("latents_std");
    onlyOneType(config, "down_block_types", "DownEncoderBlock2D");
    onlyOneType(config, "up_block_types", "UpDecoderBlock2D");
    List<Integer> channels = config.integers("block_out_channels");
    return new VaeConfig(
        config.integer("in_channels", 3),
        config.integer("out_channels", 3),
        config.integer("latent_channels", 4),
        channels.isEmpty() ? List.of(64) : channels,
        config.integer("layers_per_block", 1),
        config.integer("norm_num_groups", 32),
        Activation.of(config, "act_fn", "silu"),
        config.decimal("scaling_factor", 0.18215),
        config.decimal("shift_factor", 0),
        config.flag("mid_block_add_attention", true),
        config.flag("use_quant_conv", true),
        config.flag("use_post_quant_conv", true));
  }

  /** How many pixels of a side one latent stands for. */
  public int factor() {
    return 1 << (channels.size() - 1);
  }

  ResnetBlock.Style resnets() {
    return new ResnetBlock.Style(0, groups, 1e-6, activation, false, 1);
  }

  private static void onlyOneType(ModelConfig config, String key, String type) {
    if (!config.texts(key).stream().allMatch(type::equals)) {
      throw config.unsupported(key, "supported: " + type);
    }
  }
}
