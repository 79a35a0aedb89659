package flora.models.stablediffusion;

import ai.djl.ndarray.NDArray;
import flora.models.aten.Aten;
import flora.models.aten.Scope;
import flora.models.aten.Segments;
import flora.models.block.Conv2d;
import flora.models.block.GroupNorm;
import flora.models.block.Linear;
import flora.models.weights.AdaptableLayer;
import flora.models.weights.Weights;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Transformer blocks over the pixels of a feature map, conditioned on text (<a
 * href="https://arxiv.org/abs/2112.10752">Rombach et al.</a>); diffusers' {@code
 * Transformer2DModel}.
 */
final class SpatialTransformer {
  private static final double EPS = 1e-6;

  /**
   * Sizes of one transformer.
   *
   * @param linear the projections are linear layers over tokens, not 1×1 convolutions over pixels
   * @param onlyCross the first attention of each block looks at the text too
   */
  record Style(
      int channels,
      int heads,
      int layers,
      int contextSize,
      int groups,
      boolean linear,
      boolean onlyCross) {

    /** Size of all heads together. */
    int inner() {
      return channels / heads * heads;
    }
  }

  /** The projections into and out of the tokens, in their two forms. */
  private sealed interface Projections {
    NDArray in(NDArray x); // [n, c, h, w] → [n, h·w, inner]

    NDArray out(NDArray tokens, long h, long w); // [n, h·w, inner] → [n, c, h, w]
  }

  private record LinearProjections(Linear in, Linear out) implements Projections {
    @Override
    public NDArray in(NDArray x) {
      return in.forward(Aten.toTokens(x));
    }

    @Override
    public NDArray out(NDArray tokens, long h, long w) {
      return Aten.toMap(out.forward(tokens), h, w);
    }
  }

  private record ConvolutionProjections(Conv2d in, Conv2d out) implements Projections {
    @Override
    public NDArray in(NDArray x) {
      return Aten.toTokens(in.forward(x));
    }

    @Override
    public NDArray out(NDArray tokens, long h, long w) {
      return out.forward(Aten.toMap(tokens, h, w));
    }
  }

  private final GroupNorm norm;
  private final Projections projections;
  private final List<TransformerBlock> blocks;
  private final List<AdaptableLayer> layers;

  SpatialTransformer(Style style, Weights weights) {
    int channels = style.channels();
    int inner = style.inner();
    norm = new GroupNorm(weights.child("norm"), style.groups(), channels, EPS);
    Weights in = weights.child("proj_in");
    Weights out = weights.child("proj_out");
    projections =
        style.linear()
            ? new LinearProjections(
                new Linear(in, channels, inner, true), new Linear(out, inner, channels, true))
            : new ConvolutionProjections(
                Conv2d.pointwise(in, channels, inner), Conv2d.pointwise(out, inner, channels));
    Weights children = weights.child("transformer_blocks");
    blocks =
        IntStream.range(0, style.layers())
            .mapToObj(i -> new TransformerBlock(style, children.child(Integer.toString(i))))
            .toList();
    layers = List.copyOf(weights.layers().values());
  }

  /** {@link #forward(NDArray, NDArray)} as a segment. */
  int forward(Segments segments, int x, int context) {
    return segments.single(
        List.of(x, context),
        AdaptableLayer.parameters(layers),
        values -> forward(values.get(0), values.get(1)));
  }

  /** {@code [n, c, h, w], [n, s, context] → [n, c, h, w]}. */
  NDArray forward(NDArray x, NDArray context) {
    try (var scope = new Scope()) {
      NDArray tokens = projections.in(norm.forward(x));
      for (TransformerBlock block : blocks) {
        tokens = block.forward(tokens, context);
      }
      long h = x.getShape().get(2);
      long w = x.getShape().get(3);
      return scope.keep(Aten.add(projections.out(tokens, h, w), x));
    }
  }
}
