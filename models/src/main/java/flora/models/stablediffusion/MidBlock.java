package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Segments;
import flora.models.weights.Weights;

/** The bottom of the UNet; diffusers' {@code UNetMidBlock2DCrossAttn}. */
final class MidBlock {
  private final ResnetBlock resnet0;
  private final SpatialTransformer attention;
  private final ResnetBlock resnet1;

  MidBlock(UNetConfig config, Weights weights) {
    int last = config.channels().size() - 1;
    int channels = config.channels().get(last);
    ResnetBlock.Style style = config.resnets().scaledBy(config.midBlockScale());
    SpatialTransformer.Style inDownBlock = config.transformers(last);
    // the peer never makes the middle attend to text alone
    var transformer =
        new SpatialTransformer.Style(
            channels,
            inDownBlock.heads(),
            inDownBlock.layers(),
            inDownBlock.contextSize(),
            inDownBlock.groups(),
            inDownBlock.linear(),
            false);
    Weights resnets = weights.child("resnets");
    resnet0 = new ResnetBlock(style, channels, channels, resnets.child("0"));
    attention = new SpatialTransformer(transformer, weights.child("attentions").child("0"));
    resnet1 = new ResnetBlock(style, channels, channels, resnets.child("1"));
  }

  /** {@code [n, c, h, w]} stays. */
  NDArray forward(NDArray x, NDArray time, NDArray context) {
    x = resnet0.forward(x, time);
    x = attention.forward(x, context);
    return resnet1.forward(x, time);
  }

  /** {@link #forward(NDArray, NDArray, NDArray)} in segments. */
  int forward(Segments segments, int x, int time, int context) {
    x = resnet0.forward(segments, x, time);
    x = attention.forward(segments, x, context);
    return resnet1.forward(segments, x, time);
  }
}
