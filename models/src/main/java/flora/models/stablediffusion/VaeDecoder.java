package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Scope;
import flora.models.block.Conv2d;
import flora.models.block.GroupNorm;
import flora.models.weights.Weights;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Latents to pixels. */
final class VaeDecoder {

  private record Block(List<ResnetBlock> resnets, @Nullable Upsample upsample) {}

  private final VaeConfig config;
  private final Conv2d convIn;
  private final VaeMidBlock midBlock;
  private final List<Block> blocks = new ArrayList<>();
  private final GroupNorm normOut;
  private final Conv2d convOut;

  VaeDecoder(VaeConfig config, Weights weights) {
    this.config = config;
    List<Integer> channels = config.channels().reversed();
    int in = channels.getFirst();
    convIn = Conv2d.same(weights.child("conv_in"), config.latentChannels(), in);
    midBlock = new VaeMidBlock(config, weights.child("mid_block"));
    for (int i = 0; i < channels.size(); i++) {
      Weights block = weights.child("up_blocks").child(Integer.toString(i));
      int out = channels.get(i);
      var resnets = new ArrayList<ResnetBlock>();
      for (int layer = 0; layer < config.layers() + 1; layer++) {
        resnets.add(
            new ResnetBlock(
                config.resnets(), in, out, block.child("resnets").child(Integer.toString(layer))));
        in = out;
      }
      boolean last = i == channels.size() - 1;
      blocks.add(
          new Block(
              resnets, last ? null : new Upsample(block.child("upsamplers").child("0"), out)));
    }
    normOut = new GroupNorm(weights.child("conv_norm_out"), config.groups(), in, 1e-6);
    convOut = Conv2d.same(weights.child("conv_out"), in, config.outChannels());
  }

  /** {@code [n, latent, h, w] → [n, 3, f·h, f·w]}. */
  NDArray forward(NDArray latents) {
    try (var scope = new Scope()) {
      NDArray x = midBlock.forward(convIn.forward(latents));
      for (Block block : blocks) {
        for (ResnetBlock resnet : block.resnets()) {
          x = Scope.replacing(x, y -> resnet.forward(y, null));
        }
        Upsample upsample = block.upsample();
        if (upsample != null) {
          x = Scope.replacing(x, upsample::forward);
        }
      }
      x = config.activation().apply(normOut.forward(x));
      return scope.keep(convOut.forward(x));
    }
  }
}
