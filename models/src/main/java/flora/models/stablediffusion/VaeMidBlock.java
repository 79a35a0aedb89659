package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.block.GroupNorm;
import flora.models.block.Linear;
import flora.models.weights.Weights;
import org.jspecify.annotations.Nullable;

/** The innermost part of the encoder and of the decoder; diffusers' {@code UNetMidBlock2D}. */
final class VaeMidBlock {

  /** Attention of every pixel to every other, with one head. */
  private static final class Attention {
    private final GroupNorm norm;
    private final Linear toQ;
    private final Linear toK;
    private final Linear toV;
    private final Linear toOut;

    Attention(VaeConfig config, int channels, Weights weights) {
      norm = new GroupNorm(weights.child("group_norm"), config.groups(), channels, 1e-6);
      // files from before 2023, Stable Diffusion 1.5's own among them, have the older names
      boolean old = weights.has("query.weight");
      toQ =
          new Linear(
              old ? weights.child("to_q", "query") : weights.child("to_q"),
              channels,
              channels,
              true);
      toK =
          new Linear(
              old ? weights.child("to_k", "key") : weights.child("to_k"), channels, channels, true);
      toV =
          new Linear(
              old ? weights.child("to_v", "value") : weights.child("to_v"),
              channels,
              channels,
              true);
      toOut =
          new Linear(
              old ? weights.child("to_out.0", "proj_attn") : weights.child("to_out").child("0"),
              channels,
              channels,
              true);
    }

    NDArray forward(NDArray x) {
      try (var scope = new Scope()) {
        NDArray tokens = Aten.toTokens(norm.forward(x)); // [n, h·w, c]
        NDArray y =
            toOut.forward(
                Aten.attention(
                    toQ.forward(tokens), toK.forward(tokens), toV.forward(tokens), 1, false, null));
        return scope.keep(Aten.add(Aten.toMap(y, x.getShape().get(2), x.getShape().get(3)), x));
      }
    }
  }

  private final ResnetBlock resnet0;
  private final @Nullable Attention attention;
  private final ResnetBlock resnet1;

  VaeMidBlock(VaeConfig config, Weights weights) {
    int channels = config.channels().getLast();
    Weights resnets = weights.child("resnets");
    resnet0 = new ResnetBlock(config.resnets(), channels, channels, resnets.child("0"));
    attention =
        config.midAttention()
            ? new Attention(config, channels, weights.child("attentions").child("0"))
            : null;
    resnet1 = new ResnetBlock(config.resnets(), channels, channels, resnets.child("1"));
  }

  /** {@code [n, c, h, w]} stays. */
  NDArray forward(NDArray x) {
    x = resnet0.forward(x, null);
    if (attention != null) {
      x = attention.forward(x);
    }
    return resnet1.forward(x, null);
  }
}
