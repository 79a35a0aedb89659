package flora.models.weights;

import org.jspecify.annotations.Nullable;

/** A layer of a network whose output an {@link Adapter} may change. */
public interface AdaptableLayer {

  /** What a layer computes, as far as an adapter must know it. */
  sealed interface Geometry {
    /** {@code [..., inputs] → [..., outputs]}. */
    record Dense(int inputs, int outputs) implements Geometry {}

    /** {@code [n, inputs, h, w] → [n, outputs, h', w']} with a square kernel. */
    record Convolution(int inputs, int outputs, int kernel, int stride, int padding)
        implements Geometry {}
  }

  /** The path of the layer in its network, for instance {@code mid_block.attentions.0.proj_in}. */
  String name();

  Geometry geometry();

  /** Sets the adapter, or removes it. */
  void adapt(@Nullable Adapter adapter);
}
