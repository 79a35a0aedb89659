package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Scope;
import flora.models.block.Conv2d;
import flora.models.block.GroupNorm;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Pixels to the moments of the latents. */
final class VaeEncoder {

  private record Block(List<ResnetBlock> resnets, @Nullable Downsample downsample) {}

  private final VaeConfig config;
  private final Conv2d convIn;
  private final List<Block> blocks = new ArrayList<>();
  private final VaeMidBlock midBlock;
  private final GroupNorm normOut;
  private final Conv2d convOut;

  VaeEncoder(VaeConfig config, Weights weights) {
    this.config = config;
    List<Integer> channels = config.channels();
    int in = channels.getFirst();
    convIn = Conv2d.same(weights.child("conv_in"), config.inChannels(), in);
    for (int i = 0; i < channels.size(); i++) {
      Weights block = weights.child("down_blocks").child(Integer.toString(i));
      int out = channels.get(i);
      var resnets = new ArrayList<ResnetBlock>();
      for (int layer = 0; layer < config.layers(); layer++) {
        resnets.add(
            new ResnetBlock(
                config.resnets(), in, out, block.child("resnets").child(Integer.toString(layer))));
        in = out;
      }
      boolean last = i == channels.size() - 1;
      blocks.add(
          new Block(
              resnets,
              last ? null : new Downsample(block.child("downsamplers").child("0"), out, 0)));
    }
    midBlock = new VaeMidBlock(config, weights.child("mid_block"));
    normOut = new GroupNorm(weights.child("conv_norm_out"), config.groups(), in, 1e-6);
    convOut = Conv2d.same(weights.child("conv_out"), in, 2 * config.latentChannels());
  }

  /** {@code [n, 3, h, w] → [n, 2·latent, h/f, w/f]}. */
  NDArray forward(NDArray pixels) {
    try (var scope = new Scope()) {
      NDArray x = convIn.forward(pixels);
      for (Block block : blocks) {
        for (ResnetBlock resnet : block.resnets()) {
          x = Scope.replacing(x, y -> resnet.forward(y, null));
        }
        Downsample downsample = block.downsample();
        if (downsample != null) {
          x = Scope.replacing(x, downsample::forward);
        }
      }
      x = midBlock.forward(x);
      x = config.activation().apply(normOut.forward(x));
      return scope.keep(convOut.forward(x));
    }
  }
}
