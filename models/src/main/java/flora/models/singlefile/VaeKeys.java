package flora.models.singlefile;

import flora.models.stablediffusion.VaeConfig;
import java.util.List;

/**
 * The autoencoder's part of {@link LdmKeys}: there the decoder's blocks are counted from the
 * outermost, and the attention's projections are 1×1 convolutions.
 */
final class VaeKeys {
  private final VaeConfig config;
  private final LdmKeys keys;

  VaeKeys(VaeConfig config, LdmKeys keys) {
    this.config = config;
    this.keys = keys;
  }

  void add() {
    List<Integer> channels = config.channels();
    int last = channels.size() - 1;
    keys.module("encoder.conv_in", "encoder.conv_in");
    int in = channels.getFirst();
    for (int i = 0; i <= last; i++) {
      var stored = "encoder.down." + i;
      in = resnets("encoder.down_blocks." + i, stored, config.layers(), in, channels.get(i));
      if (i < last) {
        keys.module(
            "encoder.down_blocks.%d.downsamplers.0.conv".formatted(i), stored + ".downsample.conv");
      }
    }
    middle("encoder.");
    ends("encoder.");
    keys.module("decoder.conv_in", "decoder.conv_in");
    middle("decoder.");
    in = channels.getLast();
    for (int i = 0; i <= last; i++) {
      int out = channels.get(last - i);
      var stored = "decoder.up." + (last - i);
      in = resnets("decoder.up_blocks." + i, stored, config.layers() + 1, in, out);
      if (i < last) {
        keys.module(
            "decoder.up_blocks.%d.upsamplers.0.conv".formatted(i), stored + ".upsample.conv");
      }
    }
    ends("decoder.");
    if (config.quantConv()) {
      keys.module("quant_conv", "quant_conv");
    }
    if (config.postQuantConv()) {
      keys.module("post_quant_conv", "post_quant_conv");
    }
  }

  private void ends(String coder) {
    keys.module(coder + "conv_norm_out", coder + "norm_out");
    keys.module(coder + "conv_out", coder + "conv_out");
  }

  private void middle(String coder) {
    resnet(coder + "mid_block.resnets.0", coder + "mid.block_1", false);
    if (config.midAttention()) {
      var name = coder + "mid_block.attentions.0.";
      var stored = coder + "mid.attn_1.";
      keys.module(name + "group_norm", stored + "norm");
      keys.module(name + "to_q", stored + "q");
      keys.module(name + "to_k", stored + "k");
      keys.module(name + "to_v", stored + "v");
      keys.module(name + "to_out.0", stored + "proj_out");
    }
    resnet(coder + "mid_block.resnets.1", coder + "mid.block_2", false);
  }

  private int resnets(String name, String stored, int layers, int in, int out) {
    for (int layer = 0; layer < layers; layer++) {
      resnet(name + ".resnets." + layer, stored + ".block." + layer, layer == 0 && in != out);
    }
    return out;
  }

  private void resnet(String name, String stored, boolean hasShortcut) {
    for (var part : List.of("norm1", "conv1", "norm2", "conv2")) {
      keys.module(name + "." + part, stored + "." + part);
    }
    if (hasShortcut) {
      keys.module(name + ".conv_shortcut", stored + ".nin_shortcut");
    }
  }
}
