package flora.models.singlefile;

import flora.models.stablediffusion.UNetConfig;
import java.util.ArrayDeque;
import java.util.List;

/**
 * The denoiser's part of {@link LdmKeys}: there the way down is one list of {@code input_blocks},
 * in which a downsampling counts as a block, and the way up one of {@code output_blocks}.
 */
final class UNetKeys {
  private final UNetConfig config;
  private final LdmKeys keys;

  UNetKeys(UNetConfig config, LdmKeys keys) {
    this.config = config;
    this.keys = keys;
  }

  void add() {
    keys.module("time_embedding.linear_1", "time_embed.0");
    keys.module("time_embedding.linear_2", "time_embed.2");
    keys.module("conv_in", "input_blocks.0.0");
    var skips = down();
    int innermost = config.channels().size() - 1;
    int channels = config.channels().getLast();
    resnet("mid_block.resnets.0", "middle_block.0", channels, channels);
    transformer("mid_block.attentions.0", "middle_block.1", innermost);
    resnet("mid_block.resnets.1", "middle_block.2", channels, channels);
    up(skips);
    keys.module("conv_norm_out", "out.0");
    keys.module("conv_out", "out.2");
  }

  /** Returns the channels of what each block leaves for the way up. */
  private ArrayDeque<Integer> down() {
    var skips = new ArrayDeque<Integer>();
    int in = config.channels().getFirst();
    skips.addLast(in);
    int n = 1;
    for (int i = 0; i < config.channels().size(); i++) {
      int out = config.channels().get(i);
      for (int layer = 0; layer < config.layers().get(i); layer++) {
        resnet(
            "down_blocks.%d.resnets.%d".formatted(i, layer), "input_blocks." + n + ".0", in, out);
        if (config.downAttention().get(i)) {
          transformer(
              "down_blocks.%d.attentions.%d".formatted(i, layer), "input_blocks." + n + ".1", i);
        }
        in = out;
        skips.addLast(out);
        n++;
      }
      if (i < config.channels().size() - 1) {
        keys.module(
            "down_blocks.%d.downsamplers.0.conv".formatted(i), "input_blocks." + n + ".0.op");
        skips.addLast(out);
        n++;
      }
    }
    return skips;
  }

  private void up(ArrayDeque<Integer> skips) {
    int in = config.channels().getLast();
    int n = 0;
    for (int i = 0; i < config.channels().size(); i++) {
      int mirrored = config.channels().size() - 1 - i;
      int out = config.channels().get(mirrored);
      boolean attention = config.upAttention().get(i);
      int layers = config.layers().get(mirrored) + 1;
      for (int layer = 0; layer < layers; layer++) {
        var stored = "output_blocks." + n++;
        resnet(
            "up_blocks.%d.resnets.%d".formatted(i, layer),
            stored + ".0",
            in + skips.removeLast(),
            out);
        if (attention) {
          transformer("up_blocks.%d.attentions.%d".formatted(i, layer), stored + ".1", mirrored);
        }
        if (layer == layers - 1 && mirrored > 0) {
          keys.module(
              "up_blocks.%d.upsamplers.0.conv".formatted(i),
              stored + (attention ? ".2" : ".1") + ".conv");
        }
        in = out;
      }
    }
  }

  private void resnet(String name, String stored, int in, int out) {
    keys.module(name + ".norm1", stored + ".in_layers.0");
    keys.module(name + ".conv1", stored + ".in_layers.2");
    keys.module(name + ".time_emb_proj", stored + ".emb_layers.1");
    keys.module(name + ".norm2", stored + ".out_layers.0");
    keys.module(name + ".conv2", stored + ".out_layers.3");
    if (in != out) {
      keys.module(name + ".conv_shortcut", stored + ".skip_connection");
    }
  }

  /** Inside a transformer both call everything the same. */
  private void transformer(String name, String stored, int block) {
    keys.module(name + ".norm", stored + ".norm");
    keys.module(name + ".proj_in", stored + ".proj_in");
    for (int i = 0; i < config.transformerLayers().get(block); i++) {
      var layer = ".transformer_blocks." + i + ".";
      for (var attention : List.of("attn1.", "attn2.")) {
        for (var projection : List.of("to_q", "to_k", "to_v")) {
          var part = layer + attention + projection;
          keys.weight(name + part, stored + part);
        }
        keys.module(name + layer + attention + "to_out.0", stored + layer + attention + "to_out.0");
      }
      for (var part : List.of("norm1", "norm2", "norm3", "ff.net.0.proj", "ff.net.2")) {
        keys.module(name + layer + part, stored + layer + part);
      }
    }
    keys.module(name + ".proj_out", stored + ".proj_out");
  }
}
